#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tries the unit of the service for what it is: in the emulated machine (vm.sh), installs an archive
# as docs/deployment.md says, starts systemd as the first process of a PID namespace that has all
# control groups to itself, and has it start cloister.service with another command, under all other
# options of the unit. Prints what the command printed; the exit code is its own, or 1.
#
#   vm.sh run systemd.sh JAVA_HOME ARCHIVE ARGUMENT...
set -euo pipefail

java=$1 archive=$2
shift 2
readonly units=/etc/systemd/system output=/run/output

mkdir -p /opt/unpacked /etc/cloister $units/cloister.service.d
tar -C /opt/unpacked -xzf "$archive"
ln -sfn /opt/unpacked/cloister-* /opt/cloister
cp /opt/cloister/systemd/cloister* $units
cp /opt/cloister/conf/*.conf /etc/cloister
systemd-sysusers /opt/cloister/sysusers.d/cloister.conf

# The emulated machine is slow.
cat > /etc/cloister/environment << END
JAVA_HOME=$java
CLOISTER_JAVA_OPTS=-XX:TieredStopAtLevel=1 -Dcloister.container.deadline=60s -Dcloister.container.configure-deadline=60s -Dcloister.containers.acquire-timeout=120s -Dakka.logger-startup-timeout=60s
END
cat > $units/cloister.service.d/try.conf << END
[Service]
Type=oneshot
TimeoutStartSec=infinity
Restart=no
StandardOutput=file:$output
StandardError=inherit
ExecStart=
ExecStart=/opt/cloister/bin/cloister$(printf ' "%s"' "$@")
END

# Nothing of what a machine starts is needed, and much of it cannot be had here.
printf '[Unit]\nDefaultDependencies=no\n' > $units/nothing.target
cd /lib/systemd/system
for unit in systemd-journald* systemd-udev* systemd-tmpfiles-setup* systemd-sys* \
    systemd-random-seed.service systemd-hwdb-update.service kmod-static-nodes.service \
    apparmor.service ldconfig.service; do
    ln -sfn /dev/null "$units/$unit"
done
cd /

mkdir /sys/fs/cgroup/machine
echo '+cpu +cpuset +memory +pids' > /sys/fs/cgroup/cgroup.subtree_control
cat > /run/start << 'END'
echo 0 > /sys/fs/cgroup/machine/cgroup.procs
exec unshare --cgroup bash -c '
    mount --make-rshared /
    mount -t proc proc /proc
    umount /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    exec env -i container=lxc PATH="$PATH" /lib/systemd/systemd --system --unit=nothing.target \
        --show-status=0 --log-level=warning --log-target=console'
END
unshare --mount --pid --fork --ipc --uts bash /run/start > /run/log 2>&1 &
for ((i = 0; i < 600; i++)); do
    [[ ! -S /run/systemd/private ]] || break
    sleep 0.1
done
manager=$(pgrep -x -n systemd)

status=0
nsenter -t "$manager" -m -p -C -i -u systemctl start cloister.service 2>> /run/log || status=1
cat $output || true
if ((status)); then
    nsenter -t "$manager" -m -p -C -i -u systemctl status --no-pager cloister.service >&2 || true
    tail -n 20 /run/log >&2
fi
exit "$status"
