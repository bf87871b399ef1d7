/* A ring made before `greenwall run` and inherited, with a kernel thread that polls it (IORING_SETUP_SQPOLL): it is told
   what to do through shared memory, and connects in its maker's name.

   PROGRAM PORTS... make COMMAND...: makes ring and socket, starts the command, keeps the ring awake until it ends.
   PROGRAM PORTS... use: has the ring connect the maker's socket to the refused address. */
#include "escape.h"
#include <linux/io_uring.h>

enum { RING = 500, SOCKET = 501, ENTRIES = 8 };
#define ADDRESS ((void *)0x10000000)

static int make(char **command)
{
    struct io_uring_params parameters = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 50};
    struct sockaddr_in *address = mmap(ADDRESS, 4096, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    int ring = (int)syscall(SYS_io_uring_setup, ENTRIES, &parameters), status, child;
    *address = forbidden_address();
    dup2(short_lived(), SOCKET), dup2(ring, RING);
    if (!(child = fork())) {
        execv(command[0], command);
        _exit(127);
    }
    while (!waitpid(child, &status, WNOHANG)) {
        syscall(SYS_io_uring_enter, ring, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
        usleep(2000);
    }
    return WEXITSTATUS(status);
}

static int use(void)
{
    /* The layout of the rings, which io_uring_setup tells their maker, is the same for each ring of this size. */
    struct io_uring_params known = {0};
    int sizes = (int)syscall(SYS_io_uring_setup, ENTRIES, &known);
    char *rings = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, RING, IORING_OFF_SQ_RING);
    struct io_uring_sqe *entries = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, RING, IORING_OFF_SQES);
    if (rings == MAP_FAILED) {
        say("ring", -1);
        return 0;
    }
    if (sizes < 0) { /* as on x86-64 since Linux 6.0 */
        known.sq_off.tail = 4, known.sq_off.array = 64 + 2 * 16 * ENTRIES, known.cq_off.tail = 12;
        known.cq_off.cqes = 64;
    }
    entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_CONNECT, .fd = SOCKET, .addr = (unsigned long)ADDRESS,
                                       .off = sizeof(struct sockaddr_in)};
    *(unsigned *)(rings + known.sq_off.array) = 0;
    atomic_fetch_add((atomic_uint *)(rings + known.sq_off.tail), 1);
    for (int wait = 0; wait < 2000 && !atomic_load((atomic_uint *)(rings + known.cq_off.tail)); wait++)
        usleep(1000);
    int result = ((struct io_uring_cqe *)(rings + known.cq_off.cqes))->res;
    say("ring", as_libc(result));
    return 0;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    return strcmp(more[0], "make") ? use() : make(more + 1);
}
