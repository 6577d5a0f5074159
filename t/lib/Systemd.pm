# A real systemd with the machine's own files, which it may write to: that is
# gone with it.  For a test that has a network of its own (OwnNetwork): it is in
# the same one, and its mounts end with the test.
#
#   my $systemd = Systemd->new;
#   $systemd->write('/etc/systemd/system/a.service', $text);
#   $systemd->boot;
#   my ($status, $out, $err) = $systemd->run('systemctl', 'start', 'a');
package Systemd;
use v5.26;
use warnings;

use DynProxy ();
use File::Temp;
use OwnNetwork ();

my $TARGET = 'bare.target';    # none of what the machine has enabled

sub new {
    my ($class) = @_;
    my $self = bless { dir => File::Temp::mkdtemp("/tmp/dynproxy-systemd.XXXXXX"), owner => $$ }, $class;
    my $dir = $self->{dir};
    # the upper directory must not be below the lower one
    OwnNetwork::run(qw(mount -t tmpfs -o mode=755 tmpfs), $dir);
    mkdir "$dir/$_" for qw(upper work root);
    OwnNetwork::run(qw(mount -t overlay overlay -o), "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work", "$dir/root");
    OwnNetwork::run('sh', '-c', 'cd "$1" && rm -rf etc/systemd/system/*.wants run/* var/log/journal', '-', $self->root);
    $self->write('/etc/machine-id', '');
    $self->write("/etc/systemd/system/$TARGET",
        "[Unit]\nRequires=basic.target\nWants=dbus.service\nAfter=basic.target dbus.service\nAllowIsolate=yes\n");
    return $self;
}

sub root { "$_[0]{dir}/root" }

sub write {
    my ($self, $path, $text) = @_;
    open my $fh, '>', $self->root . $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
}

sub boot {
    my ($self) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$self->{dir}/console";
        open STDERR, '>&', \*STDOUT;
        # all of it ends with us, however that is
        exec qw(setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc setsid --wait systemd-nspawn --quiet --register=no --keep-unit --resolv-conf=off --timezone=off),
            qw(--link-journal=no --console=pipe --machine=test --boot), '--directory=' . $self->root,
            "systemd.unit=$TARGET" or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    my $up = sub { $self->first && ($self->run(qw(systemctl is-active --quiet), $TARGET))[0] == 0 };
    DynProxy::eventually($up, 120) or die "systemd did not come up:\n" . DynProxy::slurp("$self->{dir}/console");
}

# Its process 1, as it is seen here: a child of systemd-nspawn.
sub first {
    my ($self) = @_;
    for my $pid (DynProxy::descendants($self->{pid})) {
        my ($name) = DynProxy::slurp("/proc/$pid/stat") =~ /\((.*)\)/;
        return $pid if $name eq 'systemd';
    }
    return;
}

# Returns exit status, standard output, standard error.
sub run {
    my ($self, @command) = @_;
    my $first = $self->first // return (1, '', 'there is no systemd');
    return DynProxy::run_command('nsenter', "--target=$first", qw(--mount --uts --ipc --pid --cgroup --root --wd=/),
        qw(env -i HOME=/root LC_ALL=C.UTF-8 SYSTEMD_PAGER=cat SYSTEMD_COLORS=0), "PATH=$ENV{PATH}", @command);
}

# A property of a unit.
sub show {
    my ($self, $property, $unit) = @_;
    my (undef, $out) = $self->run('systemctl', 'show', '-P', $property, $unit);
    chomp $out;
    return $out;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local $?;
    if (my $pid = $self->{pid}) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    system 'umount', '-l', $_ for $self->root, $self->{dir};
    rmdir $self->{dir};
}

1;
