# Debian's redis-server on a port of its own, with a file that survives kill -9.
package RedisServer;
use v5.26;
use warnings;

use DynProxy ();
use File::Temp;

sub new {
    my ($class) = @_;
    my $self = bless { dir => File::Temp->newdir, port => DynProxy::free_port(), owner => $$ }, $class;
    $self->start;
    return $self;
}

sub addr { "127.0.0.1:$_[0]{port}" }

sub start {
    my ($self) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>>', "$self->{dir}/log";
        exec 'redis-server', '--port', $self->{port}, '--bind', '127.0.0.1', '--dir', "$self->{dir}",
            '--save', '', '--appendonly', 'yes', '--appendfsync', 'always'
            or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    DynProxy::eventually(sub { $self->cli('ping') eq 'PONG' }) or die "redis-server does not answer\n";
}

# What redis-cli says, without the last newline.
sub cli {
    my ($self, @words) = @_;
    my (undef, $out) = DynProxy::run_command('redis-cli', '-p', $self->{port}, @words);
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
