#!/bin/sh
# Runs in the machine of test_machine.py at each boot, and says what it sees on the second serial port, a line a fact.
exec 3>/dev/ttyS1
fact() { printf '%s: %s\n' "$1" "$2" >&3; }
connect() { python3 /opt/connect.py "$1" "$2"; }
as_alice() { runuser -u alice -- python3 /opt/connect.py "$1" "$2"; }
wait_for() { # slow where the processor is emulated
    for _ in $(seq 300); do systemctl is-active --quiet "$1" && break; sleep 3; done
    systemctl is-active "$1"
}
serve() {
    systemd-run --quiet python3 -m http.server "$2" --bind "$1"
    for _ in $(seq 100); do ss -Hltn "sport = :$2" | grep -q . && break; sleep 1; done
}
until_alice_gets() {
    for _ in $(seq 90); do [ "$(as_alice 127.0.0.2 7001)" = "$1" ] && break; sleep 1; done
    as_alice 127.0.0.2 7001
}
# Connects again and again while a command runs; prints each answer that was seen, once.
answers_during() {
    rm -f /tmp/over
    (while [ ! -e /tmp/over ]; do as_alice 127.0.0.2 7001; done >/tmp/answers) &
    sleep 2
    "$@"
    sleep 2
    touch /tmp/over
    wait $!
    sort -u /tmp/answers | xargs
}

set_up() {
    fact kernel "$(uname -r)"
    greenwall install
    fact 'installed again' "$(greenwall install | cut -d' ' -f1 | sort | uniq -c | xargs)"
    sed -i 's/^GREENWALL_WORKER_OPTIONS=.*/GREENWALL_WORKER_OPTIONS=--engine kernel/' /etc/default/greenwall
    systemctl enable greenwall-worker
    systemctl start greenwall-worker greenwall-ssh
    fact worker "$(wait_for greenwall-worker)"
    fact exposure "$(systemd-analyze security --no-pager greenwall-worker greenwall-ssh | grep -o 'for greenwall.*: [0-9.]*' |
        cut -d' ' -f2- | xargs)"
    fact 'ssh service' "$(wait_for greenwall-ssh) $(python3 -c 'import socket; print(socket.create_connection(("127.0.0.1", 2222), 60).recv(7).decode())')"
    greenwall cl "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) USRPRF(ALICE) RMTADR('127.0.0.2') RMTPORT(7001) ACTION(*REJECT)" \
        "ADDSOCRUL EXITPNT(*ACCEPT) SEQNBR(10) LCLADR('127.0.0.3') LCLPORT(7002) ACTION(*REJECT)" \
        "ADDSOCRUL EXITPNT(*LISTEN) SEQNBR(10) USRPRF(ALICE) LCLPORT(7003) ACTION(*REJECT)" \
        "ADDSOCRUL EXITPNT(*LISTEN) SEQNBR(20) USRPRF(ALICE) LCLPORT('32768-60999') ACTION(*REJECT)" ACTSOCPCY
    fact watched "$(as_alice 127.0.0.2 7001)"
}

hold() {
    greenwall engine enforce
    fact refused "$(until_alice_gets EPERM)"
    fact 'another user' "$(connect 127.0.0.2 7001)"
    fact 'refused at the SYN' "$(connect 127.0.0.3 7002)"
    fact 'refused listener' "$(runuser -u alice -- timeout 60 python3 -m http.server 7003 --bind 127.0.0.1 2>&1 |
        grep -o 'PermissionError' | head -1)"
    # Debian's kernel lets BPF be a security module: the port is known at the listen only.
    fact 'refused at the listen' "$(runuser -u alice -- python3 -c 'import socket; socket.create_server(("127.0.0.1", 0))' 2>&1 |
        grep -o 'PermissionError' | head -1)"
    fact 'during a restart' "$(answers_during systemctl restart greenwall-worker)"
    fact 'worker restarted' "$(wait_for greenwall-worker)"
    systemctl kill --signal=KILL --kill-who=main greenwall-worker
    fact 'worker killed' "$(as_alice 127.0.0.2 7001)"
    sleep 3
    fact 'worker again' "$(wait_for greenwall-worker)"
    fact 'engine said' "$(greenwall show workers | grep -o 'kernel' | head -1)"
}

serve 127.0.0.2 7001
serve 127.0.0.3 7002
if [ ! -e /var/lib/greenwall-tried ]; then
    touch /var/lib/greenwall-tried
    set_up
    hold
    systemctl reboot
else
    fact 'worker after a reboot' "$(wait_for greenwall-worker)"
    fact 'after a reboot' "$(as_alice 127.0.0.2 7001)"
    fact journalled "$(greenwall show journal --json | grep -c '"\*REJECTED"')"
    systemctl stop greenwall-worker
    fact 'worker stopped' "$(as_alice 127.0.0.2 7001)"
    greenwall engine detach
    fact detached "$(as_alice 127.0.0.2 7001)"
    systemctl start greenwall-worker
    fact 'attached again' "$(until_alice_gets EPERM)"
    greenwall uninstall
    fact 'uninstalled' "$(as_alice 127.0.0.2 7001)"
    fact left "$(find /sys/fs/bpf -mindepth 1 -name '*greenwall*' | wc -l) $(find /etc/systemd/system -name '*greenwall*' | wc -l) $(
        pgrep -cx greenwall)"
    systemctl poweroff
fi
