/*
 * Rbind for programs in C and C++: one inbound connection through a SOCKS server, as on IBM i.
 *
 * A program under "greenwall run" that has connected through a SOCKS server can take a connection back from the same
 * peer: it calls Rbind instead of bind on another socket, and then getsockname, listen and accept as after bind.
 * getsockname gives the SOCKS server's address and port, which the program tells its peer; accept returns the one
 * connection that comes, or fails with ECONNABORTED when none does. connect and Rbind must be made by the same thread,
 * with no direct connect in between.
 *
 * To turn every bind of a source file into Rbind, define __Rbind before including this header, after the system's.
 *
 * Returns 0, or -1 with errno: ENOPROTOOPT without a guard, or without SOCKS entries in its policy; ENOTCONN without a
 * connect through a SOCKS server before it; otherwise as bind(2) and connect(2).
 */
#ifndef GREENWALL_RBIND_H
#define GREENWALL_RBIND_H

#include <sys/socket.h>
#include <sys/types.h>

static inline int Rbind(int socket_descriptor, const struct sockaddr *local_address, socklen_t address_length)
{
    return setsockopt(socket_descriptor, 0x4752424E, 1, local_address, address_length);
}

#ifdef __Rbind
#define bind(socket_descriptor, local_address, address_length) \
    Rbind(socket_descriptor, local_address, address_length)
#endif

#endif
