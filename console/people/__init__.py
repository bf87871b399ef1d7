"""User profiles: who they are, what they may do, and how they sign on."""
