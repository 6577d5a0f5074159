# What a Redis may do that the real one cannot be made to do: it speaks the
# protocol as far as dynproxy needs it, except where a test says otherwise.
#
#   FakeRedis->new(greet => "garbage\r\n")         sent to whoever connects
#   FakeRedis->new(EVALSHA => "-READONLY ...\r\n") the answer to this command
#   FakeRedis->new(any => "-LOADING ...\r\n")      the answer to every command
#   FakeRedis->new(PING => [$text, $more])         $text, then $more for ever
#   FakeRedis->new(SCAN => sub { ... })            what it returns, of the words
#   FakeRedis->new(silent => 1)                    it says nothing
package FakeRedis;
use v5.26;
use warnings;

use DynProxy ();
use IO::Select;
use IO::Socket::INET;

my %ANSWERS = (
    PING      => "+PONG\r\n",
    ROLE      => "*3\r\n\$6\r\nmaster\r\n:0\r\n*0\r\n",
    SCRIPT    => "\$40\r\n" . 'a' x 40 . "\r\n",
    CLIENT    => ":1\r\n",
    SUBSCRIBE => "*3\r\n\$9\r\nsubscribe\r\n\$20\r\n__redis__:invalidate\r\n:1\r\n",
    TRACKING  => "+OK\r\n",
    INFO      => "\$2\r\n\r\n\r\n",
    SCAN      => "*2\r\n\$1\r\n0\r\n*0\r\n",
    MULTI     => "+OK\r\n",
    EXISTS    => "+QUEUED\r\n",
    HGETALL   => "+QUEUED\r\n",
    SMEMBERS  => "+QUEUED\r\n",
    EXEC      => "*3\r\n:0\r\n*0\r\n*0\r\n",
    EVALSHA   => ":0\r\n",
);

# On a port that nobody else takes when it has stopped.
sub new {
    my ($class, %says) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => DynProxy::free_port(), Listen => 64, ReuseAddr => 1) or die "listen: $!";
    my $self = bless { port => $listener->sockport, owner => $$ }, $class;
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        $SIG{PIPE} = 'IGNORE';
        $SIG{TERM} = 'DEFAULT';
        serve($listener, %says);
        POSIX::_exit(0);
    }
    return $self;
}

sub addr { "127.0.0.1:$_[0]{port}" }

# One word array for each command that is whole.
sub commands {
    my ($bytes) = @_;
    my @commands;
    while ($$bytes =~ /\G\*(\d+)\r\n/gc) {
        my ($start, $n, @words) = ($-[0], $1);
        for (1 .. $n) {
            last unless $$bytes =~ /\G\$(\d+)\r\n/gc;
            last if length($$bytes) < pos($$bytes) + $1 + 2;
            push @words, substr $$bytes, pos($$bytes), $1;
            pos($$bytes) += $1 + 2;
        }
        if (@words < $n) { pos($$bytes) = $start; last }
        push @commands, \@words;
    }
    $$bytes = substr $$bytes, pos($$bytes) // 0;
    return @commands;
}

sub serve {
    my ($listener, %says) = @_;
    my $select = IO::Select->new($listener);
    my (%bytes, %endless);
    for (;;) {
        for my $ready ($select->can_read(keys %endless ? 0.001 : 1)) {
            if ($ready == $listener) {
                my $client = $listener->accept or next;
                $client->blocking(0);
                $select->add($client);
                $bytes{$client} = '';
                $client->syswrite($says{greet}) if $says{greet};
                next;
            }
            next if $says{silent};
            if (!$ready->sysread($bytes{$ready}, 65536, length $bytes{$ready})) {
                $select->remove($ready);
                delete $endless{$ready};
                close $ready;
                next;
            }
            for my $command (commands(\$bytes{$ready})) {
                my $verb = uc $command->[0];
                $verb = 'TRACKING' if $verb eq 'CLIENT' && uc $command->[1] eq 'TRACKING';
                my $answer = $says{$verb} // $says{any} // $ANSWERS{$verb} // "-ERR unknown command\r\n";
                $answer = $answer->(@$command) if ref $answer eq 'CODE';
                $ready->syswrite(ref $answer ? $answer->[0] : $answer);
                $endless{$ready} = [$ready, $answer->[1]] if ref $answer;
            }
        }
        $_->[0]->syswrite($_->[1]) for values %endless;
    }
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

sub DESTROY { my ($self) = @_; local $?; $self->stop if $$ == $self->{owner} }

1;
