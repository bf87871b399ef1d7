/* What the probes share: an address from a text and a port, and results as names of errno values. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in address_of(const char *host, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        exit(2);
    return address;
}

/* Prints what was asked and how it ended: 0, or the name of the errno. */
static void say(const char *what, long result)
{
    printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "0");
    fflush(stdout);
}

static int stream(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int bound(const char *host, int type_flags)
{
    struct sockaddr_in address = address_of(host, 0);
    int made = socket(AF_INET, SOCK_STREAM | type_flags, 0);
    if (bind(made, (struct sockaddr *)&address, sizeof address)) {
        say("bind", -1);
        exit(1);
    }
    return made;
}

/* A listener whose port is printed. */
static int listening(const char *host, int type_flags)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int server = bound(host, type_flags);
    if (listen(server, 128)) {
        say("listen", -1);
        exit(1);
    }
    getsockname(server, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return server;
}

static void on_signal(int number, int restart, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = restart ? SA_RESTART : 0};
    sigaction(number, &action, NULL);
}

static void ring(int number)
{
    (void)number;
    if (write(1, "rang\n", 5) < 0)
        _exit(3);
}

static void ring_in(int milliseconds)
{
    struct itimerval timer = {.it_value = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}
