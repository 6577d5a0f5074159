# Debian's redis-server on a port of its own, with a file that survives kill -9.
#
# replicaof   another one
# address     to listen on (127.0.0.1)
# wrapper     array: a command to run it, and redis-cli, under (nsenter)
# options     array: more of them, but with conf
# conf        text of its file, instead of our own; program: redis-server
# auth        array: the user as whom redis-cli asks, and his password
package RedisServer;
use v5.26;
use warnings;

use DynProxy ();
use File::Temp;

sub new {
    my ($class, %want) = @_;
    my $self = bless { address => '127.0.0.1', wrapper => [], options => [], port => DynProxy::free_port(), %want, dir => File::Temp->newdir, owner => $$ }, $class;
    $self->start;
    return $self;
}

sub addr { "$_[0]{address}:$_[0]{port}" }

sub start {
    my ($self) = @_;
    my $primary = delete $self->{replicaof};    # afterwards the file says whose replica it is
    my $conf = "$self->{dir}/conf";
    if (!-e $conf) {
        open my $fh, '>', $conf or die "$conf: $!";
        print $fh $self->{conf} // '';
        print $fh "replicaof $primary->{address} $primary->{port}\n" if $primary;
        close $fh;
    }
    return $self->run($self->{program} // 'redis-server', $conf, '--port', $self->{port}, '--dir', "$self->{dir}") if $self->{conf};
    $self->run('redis-server', $conf, '--port', $self->{port}, '--bind', $self->{address}, '--protected-mode', 'no', '--dir', "$self->{dir}",
        '--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--repl-diskless-sync-delay', '0',
        @{ $self->{options} });
}

sub run {
    my ($self, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>>', "$self->{dir}/log";
        exec @{ $self->{wrapper} }, @command or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    DynProxy::eventually(sub { $self->cli('ping') eq 'PONG' }, 60) or die "$command[0] does not answer\n";
}

# All it had is gone: a new, empty one in its place.
sub forget {
    my ($self) = @_;
    $self->kill_hard;
    system 'rm', '-rf', "$self->{dir}/appendonlydir";
}

# What redis-cli says, without the last newline.
sub cli {
    my ($self, @words) = @_;
    my (undef, $out) = DynProxy::run_command(@{ $self->{wrapper} }, 'redis-cli', '-h', $self->{address}, '-p', $self->{port},
        $self->{auth} ? ('--no-auth-warning', '--user', $self->{auth}[0], '--pass', $self->{auth}[1]) : (), @words);
    chomp $out;
    return $out;
}

sub kill_hard {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

sub DESTROY { my ($self) = @_; local $?; $self->kill_hard if $$ == $self->{owner} }

1;
