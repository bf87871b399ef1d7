"""The client's side of SOCKS: what to say to a server and what its answers mean; one file has a socket, `client`."""
