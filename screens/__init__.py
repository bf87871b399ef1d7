"""The green-screen console: a pure 5250 underneath, panels on it, Textual only at the surface."""
