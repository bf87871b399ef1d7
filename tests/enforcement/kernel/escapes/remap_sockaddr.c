/* The page of the address is replaced by another one, unmapped and made unreadable, during the connect. */
#include "escape.h"

static char *window;
static int pages;

static void *remap(void *nothing)
{
    for (;;) {
        mmap(window, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, pages, 4096);
        mprotect(window, 4096, PROT_NONE);
        mmap(window, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, pages, 0);
        munmap(window, 4096);
        mmap(window, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, pages, 0);
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct sockaddr_in good = allowed_address(), bad = forbidden_address();
    int succeeded = 0, refused = 0, elsewhere = 0;
    pages = memfd_create("addresses", 0);
    if (pwrite(pages, &good, sizeof good, 0) < 0 || pwrite(pages, &bad, sizeof bad, 4096) < 0)
        return 1;
    window = mmap(NULL, 4096, PROT_READ, MAP_SHARED, pages, 0);
    spawn(remap, NULL);
    for (int round = 0; round < rounds; round++) {
        int client = short_lived();
        if (!connect(client, (struct sockaddr *)window, sizeof good))
            succeeded++;
        else if (errno == EPERM)
            refused++;
        else if (errno != EFAULT)
            elsewhere++;
        close(client);
    }
    printf("succeeded %d\nrefused %d\nother %d\n", succeeded, refused, elsewhere);
}
