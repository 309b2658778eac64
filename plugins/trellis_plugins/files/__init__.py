"""File stores: objects of a bucket that speaks the protocol of S3. (The home folder is Trellis's own store, ``local``.)"""
