"""The families behind ``nn.functional``, one file each."""
