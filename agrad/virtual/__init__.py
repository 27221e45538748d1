"""Virtual array libraries, whose arrays hold arrays of another library. This module exports nothing."""
