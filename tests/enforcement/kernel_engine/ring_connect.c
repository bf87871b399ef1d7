/* Connects by io_uring: PROGRAM PORT HOST FLAGS; FLAGS is IORING_SETUP_SQPOLL to have a thread of the kernel do it. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    if (count < 4)
        return 2;
    struct io_uring_params known = {.flags = (unsigned)atoi(arguments[3]), .sq_thread_idle = 5000};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
    int ring = (int)syscall(SYS_io_uring_setup, 8, &known), made = socket(AF_INET, SOCK_STREAM, 0);
    if (ring < 0) {
        printf("no ring %d\n", errno);
        return 0;
    }
    inet_pton(AF_INET, arguments[2], &to.sin_addr);
    char *rings = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
    struct io_uring_sqe *entries = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    entries[0] = (struct io_uring_sqe){
        .opcode = IORING_OP_CONNECT, .fd = made, .addr = (unsigned long)&to, .off = sizeof to};
    ((unsigned *)(rings + known.sq_off.array))[0] = 0;
    __atomic_store_n((unsigned *)(rings + known.sq_off.tail), 1, __ATOMIC_RELEASE);
    syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP, NULL, 0);
    printf("%s\n", strerrorname_np(-((struct io_uring_cqe *)(rings + known.cq_off.cqes))->res));
    return 0;
}
