/* listen on a Unix socket asks no rule: a thread puts a bound internet socket in its place during the call. */
#include "escape.h"

enum { PLACE = 100, UNIX, INTERNET };

static void *swap(void *nothing)
{
    for (;;) {
        dup2(UNIX, PLACE);
        dup2(INTERNET, PLACE);
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int wrong = 0, done = 0, refused = 0;
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    int local = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(here.sun_path + 1, 100, "escape-%d", getpid());
    if (bind(local, (struct sockaddr *)&here, sizeof here))
        return 1;
    dup2(local, UNIX), dup2(bound("127.0.0.66", 0), INTERNET), dup2(UNIX, PLACE);
    spawn(swap, NULL);
    for (int round = 0; round < rounds && !wrong; round++) {
        *(listen(PLACE, 8) ? &refused : &done) += 1;
        wrong = is_listening(INTERNET);
    }
    printf("wrong %d\nboth %d\n", wrong, done > 0 && refused > 0);
}
