-- Everything on disk before a measurement starts.
CHECKPOINT
