# Reloads under load, good ones, broken ones and such as take other workers, and
# upgrades: no request fails, no WebSocket and no download is cut
# (3-processes.md).
# LIFECYCLE_RELOADS: how many, one a second (12).
# LIFECYCLE_UPGRADES: how many after that (1); of 3 or more, one is to another
# layout of the table, and one to a program that hangs.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Installed;
use IPC::Open2;
use IO::Select;
use Load;
use Time::HiRes qw(sleep time);

$SIG{PIPE} = 'IGNORE';
my $RELOADS     = $ENV{LIFECYCLE_RELOADS} // 12;
my $WORKERS_AT  = $RELOADS >= 25 ? 25 : 5;    # every so many takes other workers
my $UPGRADES    = $ENV{LIFECYCLE_UPGRADES} // 1;
my $RATE        = 250;                        # connections a second of a process
my $LOADS       = 2;
my $DOWNLOADS   = 50;
my $BYTES       = 1_000_000;
my $WEBSOCKETS  = 20;
my $WEBSOCKET_S = 5;
my $HTTP2       = 10;                         # connections

my $installed = Installed->new("$DynProxy::BUILD/dynproxyd");
my $proxy   = DynProxy->new(workers => 2, tools => [qw(alpha ws)], tls => ["*.$DynProxy::DOMAIN"], program => $installed->path, conf => { https_redirect => 'off' },
    expect => qr/reload-refused|upgrade-(?:failed|taken-back)|workers-kept/);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# A backend of WebSockets: 101, then every byte comes back.
my $echo = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') or die $!;
is $proxy->register('ws', '.*', 'http://127.0.0.1:' . $echo->sockport), 'ok', 'one with WebSockets';

sub serve_echo {
    my $ready = IO::Select->new($echo);
    my %begun;
    while (my @ready = $ready->can_read) {
        for my $socket (@ready) {
            if ($socket == $echo) { $ready->add($echo->accept); next }
            my $got = $socket->sysread(my $bytes, 65536);
            if (!$got) { delete $begun{$socket}; $ready->remove($socket); $socket->close; next }
            $bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                . "Sec-WebSocket-Accept: x\r\n\r\n" if !$begun{$socket}++;
            $socket->syswrite($bytes);
        }
    }
}

sub sleep_until {
    my $rest = $_[0] - time;
    sleep $rest if $rest > 0;
}

# Each returns requests, failed, cut.
sub new_connections {
    my ($stop) = @_;
    my ($requests, $failed, $next) = (0, 0, time);
    my $ask = "GET / HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n";
    until ($$stop) {
        my $socket = $proxy->connect;
        my $answer = '';
        if ($socket) {
            $socket->syswrite($ask);
            1 while $socket->sysread($answer, 65536, length $answer);
        }
        $requests++;
        if ($answer !~ /^HTTP\/1.1 200 .*hello$/s) {
            $failed++;
            print STDERR '# failed: ', $socket ? "'$answer'" : "no connection: $!", "\n";
        }
        $next += 1 / $RATE;
        sleep_until($next);
    }
    return ($requests, $failed, 0);
}

sub downloads {
    my ($stop) = @_;
    my ($requests, $cut, %of) = (0, 0);
    my $begin = sub {
        my $socket = $proxy->connect or return $cut++;
        $socket->syswrite("GET /bytes/$BYTES HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n");
        $of{$socket} = { socket => $socket, have => 0 };
    };
    $begin->() for 1 .. $DOWNLOADS;
    while (%of) {
        for my $d (values %of) {
            my $n = $d->{socket}->sysread(my $bytes, 40_000);
            $d->{have} += $n // 0;
            next if $n;
            delete $of{ $d->{socket} };
            $requests++;
            $cut++ if $d->{have} <= $BYTES;    # there is a head, too
            $begin->() if !$$stop;
        }
        sleep 0.1;
    }
    return ($requests, 0, $cut);
}

sub websockets {
    my ($stop) = @_;
    my ($requests, $cut, %of) = (0, 0);
    my $begin = sub {
        my $socket = $proxy->connect or return $cut++;
        $socket->syswrite("GET / HTTP/1.1\r\nHost: ws.example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                . "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
        $socket->sysread(my $answer, 65536);
        $requests++;
        return $cut++ if $answer !~ /^HTTP\/1.1 101 /;
        $of{$socket} = { socket => $socket, until => time + $WEBSOCKET_S * (0.5 + rand) };
    };
    $begin->() for 1 .. $WEBSOCKETS;
    while (%of) {
        for my $w (values %of) {
            $w->{socket}->syswrite('ping');
            my $n = $w->{socket}->sysread(my $bytes, 65536);
            $cut++ if !$n;
            next if $n && !$$stop && time < $w->{until};
            delete $of{ $w->{socket} };
            $w->{socket}->close;
            $begin->() if !$$stop;
        }
        sleep 0.1;
    }
    return ($requests, 0, $cut);
}

# By a client that knows of GOAWAY.
sub http2 {
    my ($stop) = @_;
    my $pid = open2(my $said, my $keep, "$FindBin::Bin/h2_load.py", $proxy->{https_port}, $HTTP2);
    sleep 0.1 until $$stop;
    close $keep;
    my $counts = readline $said;
    waitpid $pid, 0;
    return split ' ', $counts // '';
}

my $echoes = fork // die $!;
if (!$echoes) { serve_echo(); POSIX::_exit(0) }
END { kill 'KILL', $echoes if $echoes }
$echo->close;
my @loads = map { Load->new($_) } (\&new_connections) x $LOADS, \&downloads, \&websockets, \&http2;

my ($applied, $refused, $again, $wrong) = (0, 0, 0, '');
for my $round (1 .. $RELOADS) {
    my $next = time + 1;
    my $broken = $round % 10 == 0;
    $proxy->{conf} = {
        https_redirect   => 'off',
        response_headers => qq({ "set X-Round: $round" }),
        body_timeout     => $broken ? '1x' : '30s',
        request_line_max => int($round / $WORKERS_AT) % 2 ? '4k' : '8k',
    };
    $proxy->write_conf;
    my $status = $proxy->ctl('reload');
    # the last generation may still have a download
    while ($status == 75 && time < $next + 10) { $again++; sleep 0.2; $status = $proxy->ctl('reload') }
    $wrong .= "round $round: $status " . $proxy->err if $status != ($broken ? 1 : 0);
    $broken ? $refused++ : $applied++;
    sleep_until($next);
}
is $wrong, '', 'every reload ended as it should';
is $proxy->get('alpha', '/')->header('x-round'), $RELOADS - ($RELOADS % 10 == 0), 'the last good one is in force';

$wrong = '';
for my $round (1 .. $UPGRADES) {
    my $other = $UPGRADES < 3 ? '' : $round == 1 ? 'table' : $round == 2 ? 'hangs' : '';
    $installed->put("$DynProxy::BUILD/" . ($other eq '' ? 'dynproxyd' : "t/dynproxyd-$other"));
    my $until = time + 20;
    my $status;
    while (($status = $proxy->ctl('upgrade')) == 75 && time < $until) { sleep 0.2 }
    $wrong .= "upgrade $round: $status " . $proxy->err if $status != ($other eq 'hangs' ? 1 : 0);
}
is $wrong, '', 'every upgrade ended as it should';

my ($requests, $failed, $cut) = (0, 0, 0);
$_->end for @loads;
for my $load (@loads) {
    my @counts = $load->finish;
    is scalar(@counts), 3, 'a load has run to its end';
    $requests += $counts[0] // 0;
    $failed   += $counts[1] // 1;
    $cut      += $counts[2] // 1;
}
cmp_ok $requests, '>', 10 * $RELOADS, "$requests requests";
is $failed, 0, 'none failed';
is $cut, 0, 'no WebSocket and no download was cut';
kill 'KILL', $echoes;
waitpid $echoes, 0;
undef $echoes;
diag "applied=$applied refused=$refused again=$again" if $ENV{LIFECYCLE_RELOADS};
diag "reloads=$RELOADS upgrades=$UPGRADES requests=$requests failed=$failed cut=$cut" if $ENV{LIFECYCLE_RELOADS};
done_testing;
