# QUIT: what is under way is finished, what waits in a queue is served, and who
# comes later is refused at once instead of being left to wait (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use IO::Select;
use JSON::PP;

my $proxy   = DynProxy->new(workers => 2, tools => ['alpha'], conf => { drain_timeout => '1m' });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
kill 'STOP', $backend->{pid};    # it answers when we let it

my $request = "GET / HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n";
my @slow = map { my $s = $proxy->connect; $s->printflush($request); $s } 1 .. 4;
my @workers = $proxy->worker_pids;
my $under_way = sub { my $n = 0; $n += $proxy->connections_of($_) for @workers; $n };
ok eventually(sub { $under_way->() == @slow }), 'four requests are under way';

# Stopped workers accept nothing: these wait in the queues when QUIT comes.
kill 'STOP', @workers;
my @queued = map { my $s = $proxy->connect; $s->printflush($request); $s } 1 .. 8;
kill 'QUIT', $proxy->{pid};
ok eventually(sub { $proxy->log =~ /draining/ }), 'the master drains';
kill 'CONT', @workers;

ok eventually(sub { !$proxy->connect }), 'who comes later is refused';
ok !IO::Select->new(@queued)->can_read(0), 'while the others are still being served';
kill 'CONT', $backend->{pid};
for my $socket (@slow, @queued) {
    my $response = DynProxy::Response->new(DynProxy::converse($socket, ''));
    is $response->status, 200, 'a request is answered';
    is $response->header('connection'), 'close', 'and told that it was the last';
}
$proxy->stop('QUIT');

# --- who does not end by itself
my $logs = File::Temp->newdir;
chmod 0777, $logs;    # the logger is a user of its own
my $last = DynProxy->new(workers => 1, tools => ['ws', 'raw'], tls => ["*.$DynProxy::DOMAIN"],
    conf => { drain_timeout => '4s', https_redirect => 'off', access_log => qq("$logs/access"), access_log_format => '"json"' });
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8, Timeout => 5) or die $!;
is $last->register($_, '.*', 'http://127.0.0.1:' . $listener->sockport), 'ok', "$_ is a tool" for qw(ws raw);

# A tunnel, when its backend has sent this behind the 101: (client, backend).
sub tunnel {
    my ($tool, $protocol, $bytes) = @_;
    my $client = $last->connect;
    $client->printflush("GET / HTTP/1.1\r\nHost: $tool.example.test\r\nUpgrade: $protocol\r\nConnection: Upgrade\r\n"
            . "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
    my $backend = $listener->accept or die 'no backend';
    1 until (readline $backend) eq "\r\n";
    $backend->printflush("HTTP/1.1 101 Switching Protocols\r\nUpgrade: $protocol\r\nConnection: Upgrade\r\n"
            . "Sec-WebSocket-Accept: x\r\n\r\n$bytes");
    my $got = '';
    while ($got !~ /\r\n\r\n\Q$bytes\E\z/) { $client->sysread($got, 65536, length $got) or die 'no tunnel' }
    return ($client, $backend);
}
my @between = tunnel('ws', 'websocket', "\x81\x02hi");
my @within  = tunnel('ws', 'websocket', "\x81\x05hi");
my @other   = tunnel('raw', 'chat', 'hi');

# A request whose backend has sent this: (client, backend).
sub under_way {
    my ($request, $bytes) = @_;
    my $client = $last->connect;
    $client->printflush("$request\r\nHost: raw.example.test\r\n\r\n");
    my $backend = $listener->accept or die 'no backend';
    1 until (readline $backend) eq "\r\n";
    $backend->printflush($bytes);
    my $got = '';
    while ($got !~ /half\z/ && $bytes) { $client->sysread($got, 65536, length $got) or die 'no answer' }
    return ($client, $backend);
}
my @waits = under_way('GET /waits HTTP/1.1', '');
my @half  = under_way('GET /half HTTP/1.0', "HTTP/1.1 200 OK\r\n\r\nhalf");
my $h2 = fork // die "fork: $!";
if (!$h2) {
    open STDOUT, '>', "$logs/h2";
    exec qw(curl -sS), '--http2', '--cacert', $last->ca->file, '--noproxy', '*', '--max-time', 30, '-w', '%{http_code}', '-o', '/dev/null',
        '--resolve', "raw.example.test:$last->{https_port}:127.0.0.1", "https://raw.example.test:$last->{https_port}/h2" or POSIX::_exit(127);
}
my $of_h2 = $listener->accept or die 'no backend';
1 until (readline $of_h2) eq "\r\n";
is $last->admin('/readyz')->status, 200, 'ready';
kill 'QUIT', $last->{pid};
ok eventually(sub { $last->log =~ /draining/ }), 'QUIT';
ok eventually(sub { my $ready = $last->admin('/readyz'); $ready && $ready->status == 503 }), 'not ready, says the registrar, which serves on';
is DynProxy::converse($between[0], ''), "\x88\x02\x03\xe9", 'a WebSocket is closed with 1001 at the deadline';
is DynProxy::converse($within[0], ''), '', 'but not in the middle of a frame';
is DynProxy::converse($other[0], ''), '', 'and no other protocol';
my $answer = DynProxy::Response->new(DynProxy::converse($waits[0], ''));
is join(' ', $answer->status, $answer->reason // '-'), '503 draining', 'who waits for an answer may ask again';
ok !defined($half[0]->sysread(my $more, 100)) && $!{ECONNRESET}, 'half a body does not look as if it were all of it';
waitpid $h2, 0;
is DynProxy::slurp("$logs/h2"), '503', 'with HTTP/2 it is the same';
$last->stop('QUIT');
my @lines = map { decode_json($_) } split /^/, DynProxy::slurp("$logs/access");
is join(', ', sort map { join ' ', $_->{path}, $_->{status}, $_->{reason} // '-' } grep { $_->{tool} } @lines),
    '/ 101 -, / 101 -, / 101 -, /h2 503 draining, /half 200 draining, /waits 503 draining', 'each has its line in the access log';

# --- who does not end at all
my $stuck = DynProxy->new(expect => qr/child-/);
my ($hung) = $stuck->worker_pids;
kill 'STOP', $hung;
eventually(sub { DynProxy::slurp("/proc/$hung/stat") =~ /\) T / });    # before that, TERM would end it
$stuck->stop('TERM');
like $stuck->log, qr/child-killed worker/, 'a worker that does not end is killed';

# --- who goes because of a reload, and finds more in its queue than it has room for
# Where the machine is so busy that the master takes it for hung: once more.
my ($full, $old, $new, @crowd);
for my $try (1 .. 5) {
    $full = DynProxy->new(conf => { connections_max => 2, keepalive_timeout => '1m' }, expect => qr/child-(?:hangs|died)/);
    ($old) = $full->worker_pids;
    kill 'STOP', $old;
    $full->configure(request_fields_max => 99);    # for other workers
    kill 'HUP', $full->{pid};
    ok eventually(sub { $full->log =~ /workers-replaced/ }), 'there is another worker';
    @crowd = map { $full->connect } 1 .. 8;    # two for each worker at most, and others
    ($new) = grep { $_ != $old } $full->worker_pids;
    ok eventually(sub { $full->connections_of($new) == 2 }), 'which has all that it may have';
    kill 'CONT', $old;
    last if eventually(sub { $full->log =~ /child-(drains|hangs) worker 0 pid=$old/ ? $1 : '' }) eq 'drains';
    close $_ for @crowd;
}
like $full->log, qr/child-drains worker 0 pid=$old/, 'the old one drains';
ok $full->connections_of($old) > 0, 'and has taken some of them';

# What a process is told of by epoll(7), as inodes.
sub watched {
    my ($pid) = @_;
    my @files = map { s/fd/fdinfo/r } grep { (readlink // '') =~ /eventpoll/ } glob "/proc/$pid/fd/*";
    return map { hex } map { DynProxy::slurp($_) =~ /^tfd:.*\bino:(\w+)/mg } @files;
}
my ($queue) = (run_command('ss', '-Htnle', "sport = :$full->{http_port}"))[1] =~ /ino:(\d+)/;
ok eventually(sub { !grep { $_ == $queue } watched($new) }), 'the new one is full, and watches the queue no more';
ok eventually(sub { !grep { $_ == $queue } watched($old) }), 'nor does the old one, which has closed it';
unlike $full->log, qr/accept-paused/, 'and none takes that for a lack of descriptors';
close $_ for @crowd;
$full->stop('QUIT');
done_testing;
