# Another machine, as far as the network goes: a namespace and a cable to it.
package OwnNetwork::Host;
use v5.26;
use warnings;

use IPC::Open2;
use POSIX ();

sub new {
    my ($class, %want) = @_;
    # holds the namespace open until we are gone
    my $pid = open2(my $said, my $keep, qw(unshare --net -- sh -c), 'echo there; exec cat');
    my $self = bless { %want, pid => $pid, keep => $keep, started => [], owner => $$ }, $class;
    readline $said or die "no namespace\n";
    my $cable = $want{name};
    OwnNetwork::run(qw(ip link add), $cable, qw(type veth peer name eth0 netns), $pid);
    OwnNetwork::run($want{bridge} ? (qw(ip link set), $cable, 'master', $want{bridge}) : (qw(ip addr add), "$want{ours}/24", 'dev', $cable));
    OwnNetwork::run(qw(ip link set), $cable, 'up');
    $self->run(qw(ip link set lo up));
    $self->run(qw(ip addr add), "$want{theirs}/24", qw(dev eth0));
    $self->run(qw(ip link set eth0 up));
    return $self;
}

sub address { $_[0]{theirs} }

# The command that runs another one there; as that user, or as root.
sub command {
    my ($self, $user, @command) = @_;
    my @as;
    if (defined $user) {
        my ($uid, $gid) = (getpwnam $user)[2, 3];
        @as = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
    }
    return ('nsenter', "--net=/proc/$self->{pid}/ns/net", '--', @as, @command);
}

sub run { my ($self, @command) = @_; OwnNetwork::run($self->command(undef, @command)) }

# What the command prints.
sub output {
    my ($self, $user, @command) = @_;
    open my $fh, '-|', $self->command($user, @command) or die "@command: $!";
    local $/;
    my $out = <$fh> // '';
    close $fh;
    return $out;
}

# Start a server there; its pid.  It is killed with the host.
sub start {
    my ($self, $user, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null' if !$ENV{TEST_VERBOSE};
        chdir '/';
        exec $self->command($user, @command) or POSIX::_exit(127);
    }
    push @{ $self->{started} }, $pid;
    return $pid;
}

# Pull the cable, and put it in again.
sub unplug { OwnNetwork::run(qw(ip link set), $_[0]{name}, 'down') }
sub plug   { OwnNetwork::run(qw(ip link set), $_[0]{name}, 'up') }

# A power failure: nobody on the other side hears anything of it.
sub crash {
    my ($self) = @_;
    $self->unplug;
    my $here = readlink "/proc/$self->{pid}/ns/net";
    kill 'KILL', grep { $_ != $self->{pid} && (readlink("/proc/$_/ns/net") // '') eq $here } map { m{/(\d+)$} } glob '/proc/[0-9]*';
    waitpid $_, 0 for @{ $self->{started} };
    $self->{started} = [];
}

sub stop {
    my ($self, $pid) = @_;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    $self->{started} = [grep { $_ != $pid } @{ $self->{started} }];
}

# Does anybody listen on that port there?
sub listens {
    my ($self, $port) = @_;
    return $self->output(undef, 'ss', '-Hltn', "sport = :$port") ne '';
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local $?;
    $self->stop($_) for @{ $self->{started} };
    close $self->{keep};
    waitpid $self->{pid}, 0;
}

1;
