"""CBAM: attention on channels, then on pixels."""
