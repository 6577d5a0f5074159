# Both ends of a proxy in one process: a client that sends what it likes, and a
# backend that keeps every byte it got and answers by a script.  One loop moves
# all of it, so what a test sees is in the order in which it happened.
#
#   my $ends = BothEnds->new($proxy);
#   $proxy->register('alpha', '.*', $ends->url);
#   my $client = $ends->talk(send => ["GET / HTTP/1.1\r\n...\r\n"],
#       script => ["HTTP/1.1 200 OK\r\n", RESET]);
#   $client->{in}      what the client got
#   $client->{end}     '' (open), 'closed' or 'reset'
#   $ends->arrived     [connection, bytes] since the case began
package BothEnds;
use v5.26;
use warnings;

use Errno qw(EAGAIN EINTR);
use Exporter 'import';
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY SHUT_WR);
use Time::HiRes qw(time);

our @EXPORT = qw(CLOSE RESET HALF PAUSE SILENT);

# Steps of a script that are not bytes.
use constant {
    CLOSE  => \'close',
    RESET  => \'reset',
    HALF   => \'half',      # says that it sends no more, and reads on
    SILENT => \'silent',    # nothing more, for ever
};
sub PAUSE { my ($seconds) = @_; return \"pause $seconds" }

my $GOOD    = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
my $PATIENCE = 15;          # seconds until a case has failed

sub new {
    my ($class, $proxy) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 512, Blocking => 0)
        or die "listen: $!";
    return bless { proxy => $proxy, listener => $listener, conns => [], arrived => [], names => 0 }, $class;
}

sub url { 'http://127.0.0.1:' . $_[0]{listener}->sockport }

# send     pieces, each a write of its own
# half     the client says after them that it sends no more
# script   of the backend's answer to the first request; a good one if none
# at       'accept', 'head' or 'body' (default): after which part of the
#          request the script begins
# enough   called with the client: true ends the case before the connection does
# seconds  of patience
sub talk {
    my ($self, %case) = @_;
    $self->{arrived} = [];
    @$self{qw(script at)} = ($case{script}, $case{at} // 'body');
    my $client = { socket => $self->{proxy}->connect, in => '', end => '', out => [@{ $case{send} }] };
    nonblocking($client->{socket});
    my $until = time + ($case{seconds} // $PATIENCE);
    while (!$client->{end} && time < $until && !($case{enough} && $case{enough}->($client))) {
        send_next($client, $case{half});
        $self->turn($client, $client->{out} && @{ $client->{out} } ? 0 : 0.05);
    }
    close $client->{socket};
    return $client;
}

# Move what can be moved until it is so; false: it never was.
sub wait_until {
    my ($self, $holds, $seconds) = @_;
    my $until = time + ($seconds // $PATIENCE);
    until ($holds->()) {
        return 0 if time > $until;
        $self->turn(undef, 0.02);
    }
    return 1;
}

sub arrived { @{ $_[0]{arrived} } }
sub bytes_arrived { join '', map { $_->[1] } $_[0]->arrived }
sub conns { @{ $_[0]{conns} } }

sub nonblocking {
    my ($socket) = @_;
    $socket->blocking(0);
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, pack('i', 1);
}

sub send_next {
    my ($client, $half) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $out = $client->{out} // return;
    if (!@$out) {
        shutdown $client->{socket}, SHUT_WR if $half;
        delete $client->{out};
        return;
    }
    my $n = syswrite $client->{socket}, $out->[0];
    if (!defined $n) {
        delete $client->{out} if $! != EAGAIN && $! != EINTR;
        return;
    }
    substr $out->[0], 0, $n, '';
    shift @$out if $out->[0] eq '';
}

# One look at everybody.
sub turn {
    my ($self, $client, $seconds) = @_;
    my ($ready, $fd) = ('', undef);
    my @open = grep { $_->{socket} } $self->conns;
    vec($ready, fileno $_, 1) = 1
        for $self->{listener}, (map { $_->{socket} } grep { !$_->{end} } @open), ($client && !$client->{end} ? $client->{socket} : ());
    select $ready, undef, undef, $seconds;
    $self->accept_all;
    $self->read_some($_) for @open;
    $self->play($_) for grep { $_->{script} } $self->conns;
    take($client) if $client && !$client->{end};
}

sub accept_all {
    my ($self) = @_;
    while (my $socket = $self->{listener}->accept) {
        nonblocking($socket);
        my $conn = { socket => $socket, in => '', end => '', name => ++$self->{names} };
        push @{ $self->{conns} }, $conn;
        $self->begin_script($conn) if $self->{at} eq 'accept';
    }
}

# All that is there; true: there was something.
sub take {
    my ($end) = @_;
    my $before = length $end->{in};
    while (1) {
        my $n = sysread $end->{socket}, $end->{in}, 65536, length $end->{in};
        next if $n;
        $end->{end} = 'closed' if defined $n;
        $end->{end} = 'reset' if !defined $n && $! != EAGAIN && $! != EINTR;
        return substr $end->{in}, $before;
    }
}

sub read_some {
    my ($self, $conn) = @_;
    return if $conn->{end};
    my $bytes = take($conn);
    push @{ $self->{arrived} }, [$conn->{name}, $bytes] if $bytes ne '';
    if (!$conn->{script}) {
        while (my $length = request_length($conn->{in}, $self->{at})) {
            substr $conn->{in}, 0, $length, '';
            $self->begin_script($conn);
            last if $conn->{script};
        }
    }
    close delete $conn->{socket} if $conn->{end} && $conn->{socket};
}

sub begin_script {
    my ($self, $conn) = @_;
    my $script = delete $self->{script};
    $conn->{script} = [$script ? @$script : $GOOD];
    $self->play($conn);
}

# How many bytes at the front are a request (or its head); 0: not all there.
sub request_length {
    my ($bytes, $at) = @_;
    my $head = index $bytes, "\r\n\r\n";
    return 0 if $head == -1;
    $head += 4;
    return $head if $at eq 'head';
    my $fields = substr $bytes, 0, $head;
    if ($fields =~ /^Transfer-Encoding: chunked\r$/mi) {
        my $rest = substr $bytes, $head;
        my $length = $head;
        while ($rest =~ /\A([0-9a-f]+)\r\n/i) {
            my $n = length($&) + hex($1) + 2;
            return 0 if length $rest < $n;
            $length += $n;
            return $length if hex $1 == 0;
            substr $rest, 0, $n, '';
        }
        return 0;
    }
    my $body = $fields =~ /^Content-Length: (\d+)\r$/mi ? $1 : 0;
    return length $bytes >= $head + $body ? $head + $body : 0;
}

# Go on with a connection's script as far as it goes now.
sub play {
    my ($self, $conn) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while ($conn->{socket} && $conn->{script} && @{ $conn->{script} }) {
        my $step = $conn->{script}[0];
        if (ref $step) {
            my ($what, $seconds) = split / /, $$step;
            if ($what eq 'pause') {
                $conn->{until} //= time + $seconds;
                return if time < $conn->{until};
                delete $conn->{until};
            }
            return if $what eq 'silent';
            shutdown $conn->{socket}, SHUT_WR if $what eq 'half';
            setsockopt $conn->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) if $what eq 'reset';
            if ($what =~ /close|reset/) {
                close delete $conn->{socket};
                $conn->{end} = 'mine';
            }
            shift @{ $conn->{script} };
            next;
        }
        my $n = syswrite $conn->{socket}, $step;
        if (!defined $n) {
            return if $! == EAGAIN || $! == EINTR;
            close delete $conn->{socket};
            $conn->{end} = 'reset';
            last;
        }
        substr $conn->{script}[0], 0, $n, '';
        shift @{ $conn->{script} } if $conn->{script}[0] eq '';
    }
    delete $conn->{script};
}

1;
