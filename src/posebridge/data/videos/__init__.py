"""Frames of videos, identified by presentation time.

video.py               frames as image files, sampled or by number
video_file.py          the one way to open a video: one regular file in a container of videos
video_packets.py       the packets of a video, read without decoding a frame
frame_numbers.py       which frames a video has, by number and time
frame_order.py         the order and the gaps of packets
transport_stream.py    losses that an MPEG transport stream reports
frame_decoder.py       decodes chosen frames
frame_cache.py         decoded frames kept as image files in a cache folder
undecodable_frames.py  labels on frames that can't be decoded: left out, and counted
ffmpeg_log.py          errors that FFmpeg logs while it reads
"""
