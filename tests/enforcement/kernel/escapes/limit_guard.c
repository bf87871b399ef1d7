/* Takes its guard's limits away (prlimit(2), which its own user may): with no descriptor left, and no
   octet to write, nothing passes that a rule refuses. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct rlimit none = {0, 0};
    static const int limits[] = {RLIMIT_FSIZE, RLIMIT_NOFILE};
    for (int at = 0; at < 2; at++) {
        struct rlimit was_limited;
        if (prlimit(getppid(), limits[at], &none, &was_limited)) {
            say("limit", -1);
            return 0;
        }
        int bound_bad = bound("127.0.0.66", 0), unbound = stream(), was = connect_in(stream(), forbidden_address());
        printf("connects %d\n", was == 0);
        listen(bound_bad, 8), listen(unbound, 8);
        printf("listens %d %d\n", is_listening(bound_bad), is_listening(unbound));
        prlimit(getppid(), limits[at], &was_limited, NULL);
    }
}
