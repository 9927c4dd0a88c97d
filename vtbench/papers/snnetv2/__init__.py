"""SN-Netv2: two pretrained vision transformers, stitched into many."""
