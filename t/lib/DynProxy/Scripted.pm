# A tool's web server that says just what a test wants it to say: a function is
# called with each request's method, path, head and the connection, and writes
# bytes.  A connection serves until that returns false.
package DynProxy::Scripted;
use v5.26;
use warnings;

use IO::Socket::INET;

sub new {
    my ($class, $answer) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, Proto => 'tcp') or die $!;
    pipe my $stdin, my $keep or die $!;    # it ends when we close this
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $keep;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        $SIG{CHLD} = 'IGNORE';
        serve($listener, $stdin, $answer);
        POSIX::_exit(0);
    }
    close $stdin;
    return bless { port => $listener->sockport, keep => $keep, pid => $pid, owner => $$ }, $class;
}

sub serve {
    my ($listener, $stdin, $answer) = @_;
    my $ready = '';
    vec($ready, fileno $_, 1) = 1 for $listener, $stdin;
    while (select(my $now = $ready, undef, undef, undef) > 0) {
        POSIX::_exit(0) if vec($now, fileno $stdin, 1);
        my $socket = $listener->accept or next;
        next if fork;
        $socket->autoflush(1);
        local $SIG{PIPE} = sub { POSIX::_exit(0) };
        1 while one($socket, $answer);
        POSIX::_exit(0);
    }
}

sub one {
    my ($socket, $answer) = @_;
    my $head = '';
    while ($head !~ /\r\n\r\n\z/) {
        $socket->sysread($head, 1, length $head) or return 0;
    }
    my ($method, $path) = $head =~ /\A(\S+) (\S+)/;
    return $answer->($method, $path, $head, $socket);
}

sub url { "http://127.0.0.1:$_[0]{port}" }

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local ($?, $!);
    close delete $self->{keep};
    waitpid $self->{pid}, 0;
}

1;
