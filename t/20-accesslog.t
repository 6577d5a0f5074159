# Each request gets exactly one line of the access log, the original's byte for
# byte, whatever bytes it is made of and however it ends; when the logger is
# killed none is lost or twice; and nobody waits for the log (4-operations.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use IO::Select;
use JSON::PP;
use POSIX qw(strftime);
use Socket qw(SOL_SOCKET SO_LINGER);

my $dir  = File::Temp->newdir('dynproxy-log.XXXXXX', TMPDIR => 1);
my $file = "$dir/access.log";
chown $DynProxy::USER{logger}, -1, $dir;
my $proxy = DynProxy->new(tools => [qw(alpha beta gone)], expect => qr/access-log-|logger pid=|worker 0 pid=|child-crash-loop/,
    conf => { keepalive_timeout => '1s', access_log => qq("$file"), request_head_timeout => '2s' });
my $backend = $proxy->backend;
my $at      = $backend->addr;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my $host = 'alpha.example.test';

sub lines_of { my @all = DynProxy::slurp($_[0] // $file) =~ /^.*\n/mg; return @all }    # whole ones

# Wait until there are so many lines since the last time, and give it time for
# one too many.
my $seen = 0;
sub new_lines {
    my ($n) = @_;
    eventually(sub { lines_of() >= $seen + $n });
    my @lines = lines_of();
    splice @lines, 0, $seen;
    $seen += @lines;
    return @lines;
}

# The harness asks until the proxy is ready: those lines are not counted.
sub settle {
    my ($on) = @_;
    $on->raw("GET /.well-known/healthz?settled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    eventually(sub { ((lines_of())[-1] // '') =~ /settled/ }) or die "no log\n";
    $seen = lines_of();
}

my $TIME = qr{\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]};

sub without_time { join '', map { s/$TIME/[]/r } @_ }

# --- byte for byte
sub logs {
    my ($what, $expected) = @_;
    is without_time(new_lines(1)), "$expected\n", $what;
}

settle($proxy);
my $before = time;
$proxy->get('alpha', '/a?b=c', headers => { Referer => 'http://r/', 'User-Agent' => 'x (y; "z" \\)',
    Authorization => 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' });
my ($line) = new_lines(1);
my ($time) = $line =~ /\[(.*?)\]/;
ok +(grep { $time eq strftime('%d/%b/%Y:%H:%M:%S %z', localtime $_) } $before - 1 .. time), 'the local time';
is without_time($line), qq{$host 127.0.0.1 - Aladdin [] "GET /a?b=c HTTP/1.1" 200 } . length("backend \n" . $backend->port) .
    qq{ "http://r/" "x (y; \\x22z\\x22 \\x5C)" (backend $at)\n}, 'GET';
$proxy->request('POST', 'alpha', '/echo', body => 'abc');
logs 'POST', qq{$host 127.0.0.1 - - [] "POST /echo HTTP/1.1" 200 3 "-" "-" (backend $at)};
$proxy->request('HEAD', 'alpha', '/bytes/5000');
logs 'HEAD', qq{$host 127.0.0.1 - - [] "HEAD /bytes/5000 HTTP/1.1" 200 0 "-" "-" (backend $at)};
$proxy->get('alpha', "/$_/70000"), logs "a body, $_",
    qq{$host 127.0.0.1 - - [] "GET /$_/70000 HTTP/1.1" 200 70000 "-" "-" (backend $at)} for qw(bytes chunked close);
$proxy->get('alpha', '/cut/5000');
logs 'a body that was cut', qq{$host 127.0.0.1 - - [] "GET /cut/5000 HTTP/1.1" 200 5000 "-" "-" (backend $at)};
$proxy->raw("GET / HTTP/1.0\r\nHost: ALPHA.Example.Test:80\r\n\r\n");
logs 'HTTP/1.0, and the host without its port', qq{$host 127.0.0.1 - - [] "GET / HTTP/1.0" 200 14 "-" "-" (backend $at)};
$proxy->raw("GET /1 HTTP/1.1\r\nHost: $host\r\n\r\nGET /2 HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n");
is without_time(new_lines(2)), join('', map { qq{$host 127.0.0.1 - - [] "GET /$_ HTTP/1.1" 200 14 "-" "-" (backend $at)\n} } 1, 2),
    'two of a pipeline: two lines';

# What is refused: where it got to is told, and how much was said to it.
my $agent = 'A' x 9000;
my $path  = 'a' x 9000;
for my $case (
    ['no route',        "GET / HTTP/1.1\r\nHost: nobody.example.test\r\n", 'nobody.example.test', 'GET / HTTP/1.1', 404],
    ['health',          "GET /.well-known/healthz HTTP/1.1\r\nHost: x\r\n", 'x', 'GET /.well-known/healthz HTTP/1.1', 200],
    ['no Host',         "GET / HTTP/1.1\r\nUser-Agent: me\r\n", '-', 'GET / HTTP/1.1', 400, 'me'],
    ['a bad Host',      "GET / HTTP/1.1\r\nHost: a b\r\n", '-', 'GET / HTTP/1.1', 400],
    ['CL with TE',      "POST / HTTP/1.1\r\nHost: $host\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", '-', 'POST / HTTP/1.1', 400],
    ['no HTTP',         "\x16\x03\x01\x02\"\\\r\n", '-', '\x16\x03\x01\x02\x22\x5C', 400],
    ['a bad field',     "GET /x HTTP/1.1\r\nHost: $host\r\nA : b\r\n", '-', 'GET /x HTTP/1.1', 400],
    ['a version',       "GET / HTTP/2.0\r\nHost: $host\r\n", '-', 'GET / HTTP/2.0', 400],
    ['a long target',   "GET /$path HTTP/1.1\r\nHost: $host\r\n", '-', "GET /$path HTTP/1.1", 414],
    ['a large field',   "GET / HTTP/1.1\r\nHost: $host\r\nUser-Agent: $agent\r\n", '-', 'GET / HTTP/1.1', 431],
    ['CONNECT',         "CONNECT a.example.test:443 HTTP/1.1\r\nHost: $host\r\n", '-', 'CONNECT a.example.test:443 HTTP/1.1', 405],
) {
    my ($what, $head, $vhost, $request, $status, $ua) = @$case;
    my $answer = DynProxy::Response->new($proxy->raw("$head\r\n"));
    $ua //= '-';
    is $answer->status, $status, "$what: $status";
    logs 'and a line', qq{$vhost 127.0.0.1 - - [] "$request" $status @{[length $answer->body]} "-" "$ua" (backend -)};
}
my $answer = DynProxy::Response->new($proxy->raw(
    "POST /echo HTTP/1.1\r\nHost: $host\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"));
is $answer->status, 400, 'a bad chunk';
like without_time(new_lines(1)), qr{\A\Q$host 127.0.0.1 - - [] "POST /echo HTTP/1.1" 400 @{[length $answer->body]} "-" "-" (backend $at)\E\n\z},
    'one line, though it had begun';
$answer = DynProxy::Response->new($proxy->raw("GET /slow HTTP/1.1\r\nHost:"));
is $answer->status, 408, 'a head that does not come';
logs 'is logged as far as it came', qq{- 127.0.0.1 - - [] "GET /slow HTTP/1.1" 408 @{[length $answer->body]} "-" "-" (backend -)};
$proxy->connect->close;
$proxy->get('alpha', '/');
logs 'a connection without a request has no line', qq{$host 127.0.0.1 - - [] "GET / HTTP/1.1" 200 14 "-" "-" (backend $at)};

# Has the proxy read all that this client has sent?
sub is_read {
    my ($socket) = @_;
    my @ask = ('ss', '-Htn', "sport = :$proxy->{http_port} and dport = :" . $socket->sockport);
    return (run_command(@ask))[1] =~ /\AESTAB\s+0\s/;
}

# A client that does not wait is 499, until it has seen an answer begin.
sub leave {
    my ($bytes, $read) = @_;
    my $socket = $proxy->connect;
    $socket->syswrite($bytes);
    $socket->sysread(my $some, 1000) if $read;
    eventually(sub { is_read($socket) }) or die "not read\n";
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $socket;    # a reset: who only sends nothing more is answered
}
leave("GET /slow/60000 HTTP/1.1\r\nHost: $host\r\n\r\n");
logs 'a client that does not wait', qq{$host 127.0.0.1 - - [] "GET /slow/60000 HTTP/1.1" 499 0 "-" "-" (backend $at)};
leave("GET /half HTT");
logs 'nor for its own head', qq{- 127.0.0.1 - - [] "GET /half HTT" 499 0 "-" "-" (backend -)};
leave("GET /bytes/50000000 HTTP/1.1\r\nHost: $host\r\n\r\n", 1);
my ($sent) = without_time(new_lines(1)) =~ m{\A\Q$host 127.0.0.1 - - [] "GET /bytes/50000000 HTTP/1.1" 200 \E(\d+)\Q "-" "-" (backend $at)\E\n\z};
ok defined $sent && $sent < 50_000_000, 'nor for a whole body';

# --- several tries: a kept-alive connection that the backend ends
my $closer = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => free_port(), ReuseAddr => 1, Listen => 5) or die;
my $closer_at = '127.0.0.1:' . $closer->sockport;
my $pid = fork // die;
if (!$pid) {
    while (my $c = $closer->accept) {
        my $n = 0;
        while ($c->sysread(my $head, 65536)) {
            last if $n++;
            $c->syswrite("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        }
    }
    POSIX::_exit(0);
}
is $proxy->register('beta', '.*', "http://$closer_at"), 'ok', 'a backend that answers once';
$proxy->get('beta', '/'), new_lines(1);
is $proxy->get('beta', '/again')->body, 'hi', 'the second request is tried twice';
logs 'each try is told', qq{beta.example.test 127.0.0.1 - - [] "GET /again HTTP/1.1" 200 2 "-" "-" (backend $closer_at, $closer_at)};
is $proxy->metrics->{'dynproxy_backend_retries_total{result="closed-reused"}'}, 1, 'and counted';
kill 'KILL', $pid;
waitpid $pid, 0;
close $closer;
is $proxy->register('gone', '.*', "http://$closer_at"), 'ok', 'a backend that is gone';
$answer = $proxy->get('gone', '/');
is $answer->status, 503, 'is not reached';
logs 'and named', qq{gone.example.test 127.0.0.1 - - [] "GET / HTTP/1.1" 503 @{[length $answer->body]} "-" "-" (backend $closer_at)};

# --- every byte in every field: one line, from which it can be had again
sub unescape { $_[0] =~ s/\\x([0-9A-F]{2})/chr hex $1/ger }
my $text  = join '', map { chr } 0x20 .. 0x7e, 0x80 .. 0xff;
my $value = "a$text\t${text}z";
$proxy->raw("GET / HTTP/1.1\r\nHost: $host\r\nConnection: close\r\nReferer: $value\r\nUser-Agent: $value\r\n\r\n");
($line) = new_lines(1);
my ($request, $referer, $ua) = $line =~ /"([^"]*)" 200 14 "([^"]*)" "([^"]*)" \(backend/;
is unescape($referer), $value, 'every byte that a value may have, in Referer';
is unescape($ua),      $value, 'and in User-Agent';
my $all = join '', grep { $_ ne "\n" } map { chr } 0 .. 255;
$proxy->raw("GET /$all HTTP/1.1\r\nHost: $host\r\n\r\n");
($line) = new_lines(1);
($request) = $line =~ /"([^"]*)" 400/;
is unescape($request), "GET /$all HTTP/1.1", 'every byte, in a request line';
my %asked = (
    'a target'    => sub { "GET /$_[0] HTTP/1.1\r\nHost: $host\r\n" },
    'a method'    => sub { "G$_[0]T / HTTP/1.1\r\nHost: $host\r\n" },
    'a version'   => sub { "GET / HTTP/1$_[0]1\r\nHost: $host\r\n" },
    'a host'      => sub { "GET / HTTP/1.1\r\nHost: a$_[0]b\r\n" },
    'a referer'   => sub { "GET / HTTP/1.1\r\nHost: $host\r\nReferer: a$_[0]b\r\n" },
    'an agent'    => sub { "GET / HTTP/1.1\r\nHost: $host\r\nUser-Agent: a$_[0]b\r\n" },
    'a user'      => sub { require MIME::Base64; "GET / HTTP/1.1\r\nHost: $host\r\nAuthorization: Basic " . MIME::Base64::encode_base64("a$_[0]b:c", '') . "\r\n" },
);
for my $where (sort keys %asked) {
    $proxy->raw($asked{$where}->(chr) . "Connection: close\r\n\r\n") for 0 .. 255;
    my @lines = new_lines(256);
    is scalar(@lines), 256, "each byte in $where: one line each";
    my @bad = grep { !/\A[!-~]+ 127\.0\.0\.1 - [!-~]+ $TIME "[ !#-~]+" \d{3} \d+ "[ !#-~]+" "[ !#-~]+" \(backend [-.:\d]+\)\n\z/ } @lines;
    is "@bad", '', 'of the form that it has to have';
}

# --- a new file
my $old = "$file.1";
rename $file, $old or die;
my $count = lines_of($old);
$proxy->get('alpha', '/before');
is $proxy->ctl('reopen'), 0, 'dynproxyctl reopen';
$proxy->get('alpha', '/after');
$seen = 0;
is without_time(new_lines(1)), qq{$host 127.0.0.1 - - [] "GET /after HTTP/1.1" 200 14 "-" "-" (backend $at)\n}, 'then lines go to a new file';
my @old = lines_of($old);
is @old, $count + 1, 'earlier ones to the old one';
like $old[-1], qr{"GET /before HTTP/1\.1"}, 'to its end';
is +(stat $file)[2] & 07777, 0640, 'the new one is not for everybody';
rename $file, "$file.2" or die;
kill 'USR1', $proxy->{pid};
ok eventually(sub { -e $file }), 'USR1 does it too';
$seen = 0;
rename $file, "$file.3" or die;
mkdir $file or die;
is $proxy->ctl('reopen'), 1, 'its place is taken: dynproxyctl says so';
$proxy->get('alpha', '/away');
ok eventually(sub { 1 == lines_of("$file.3") }), 'and the old file is used';
rmdir $file or die;
is $proxy->ctl('reopen'), 0, 'until there is another';

# USR1 and dynproxyctl ask at once: who asked second hears what became of that,
# whose place is taken when the first one has been done
my ($asked) = $proxy->pids('logger');
sub unread { my ($n) = map { /^\S+\s+\S+\s+(\d+) .*pid=$asked,fd=3\)/ ? $1 : () } split /\n/, (run_command('ss', '-Hxp'))[1]; return $n }
sub in_background { my (@command) = @_; my $child = fork // die; return $child if $child; exec @command or POSIX::_exit(127) }
kill 'STOP', $asked;
my $tracer = in_background('strace', '-qq', '-o', '/dev/null', '-e', 'trace=openat', '-e', 'inject=openat:signal=SIGSTOP:when=1', '-p', $asked);
eventually(sub { DynProxy::slurp("/proc/$asked/status") =~ /^TracerPid:\s+[1-9]/m }) or die "no tracer\n";
rename $file, "$file.4" or die;
kill 'USR1', $proxy->{pid};
my $first = eventually(sub { unread() });
my $second = in_background("$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, 'reopen');
ok eventually(sub { unread() == 2 * $first }), 'the logger is asked twice';
kill 'CONT', $asked;
ok eventually(sub { -e $file }), 'it has begun a file, and is stopped before it says so';
rename $file, "$file.5" or die;
mkdir $file or die;
eventually(sub { kill 'CONT', $asked; waitpid $second, POSIX::WNOHANG });    # which may stop after the first one
is $? >> 8, 1, 'dynproxyctl is told that its place is taken';
kill 'TERM', $tracer;
waitpid $tracer, 0;
rmdir $file or die;
is $proxy->ctl('reopen'), 0, 'until there is another';

# --- the logger is killed, again and again, while lines come
sub logger_pid { ($proxy->pids('logger'))[0] }
sub pipeline {    # numbered requests, 50 on a connection; returns how many were answered
    my ($name, $n, $each) = @_;
    my $answers = 0;
    for (my $i = 0; $i < $n; $i += 50) {
        my $socket = $proxy->connect;    # one that waited for $each may be closed
        $socket->syswrite(join '', map { "GET /.well-known/healthz?$name-$_ HTTP/1.1\r\nHost: $host\r\n\r\n" } $i .. $i + 49);
        my $got = '';
        while (50 > (my $have = () = $got =~ /proxy ok!/g)) { $socket->sysread($got, 65536, length $got) or last }
        $answers += () = $got =~ /proxy ok!/g;
        $each->() if $each;
    }
    return $answers;
}
my $kills = 0;
my $killed = 0;
my $total = 7000;    # a ring holds them all
my $turns = 0;
is pipeline('kill', $total, sub {
    return if $turns++ % 28;
    my $logger = eventually(sub { my $now = logger_pid() // 0; $now != $killed && $now }, 20) or return;
    $kills++ if kill 'KILL', $logger;
    $killed = $logger;
}), $total, "$total requests are answered";
cmp_ok $kills, '>', 2, "while the logger is killed $kills times";
my %times;
$times{$_}++ for map { m{healthz\?kill-(\d+) } ? $1 : 'other' } new_lines($total);
is_deeply [scalar(keys %times), grep { $times{$_} != 1 } keys %times], [$total], 'no line is lost, and none is twice';

# --- the worker is killed: whole lines only
my $load = fork // die;
if (!$load) { $proxy->{owner} = 0; eval { pipeline('worker', 1000) } while 1 }
for (1 .. 10) {
    my $worker = eventually(sub { ($proxy->worker_pids)[0] }) or next;
    my $size = -s $file;
    eventually(sub { -s $file > $size + 4000 }, 30) or last;    # it serves, and says so
    kill 'KILL', $worker;
}
kill 'KILL', $load;
waitpid $load, 0;
ok eventually(sub { $proxy->is_ready }), 'killed workers are replaced';
my @lines = new_lines(1000);
cmp_ok scalar(@lines), '>', 100, 'they have left lines';
is scalar(grep { !/\A\S+ 127\.0\.0\.1 - - $TIME "GET [!-~]+ HTTP\/1\.1" \d{3} \d+ "-" "-" \(backend -\)\n\z/ } @lines), 0, 'whole ones';

# --- the logger stands still: nobody waits, what does not fit is counted
sub long { my ($n) = @_; my $s = $proxy->connect; my $ok = 0;
    for my $i (1 .. $n) {
        $s->syswrite("GET /.well-known/healthz HTTP/1.1\r\nHost: $host\r\nUser-Agent: " . 'x' x 8000 . "\r\n\r\n");
        my $got = '';
        1 while $got !~ /proxy ok!/ && $s->sysread($got, 65536, length $got);
        $ok++ if $got =~ /200/;
    }
    return $ok;
}
sub told_dropped { my ($log, $n) = ($proxy->log, 0); $n += $1 while $log =~ /access-log-dropped lines=(\d+)/g; return $n }
for (['stopped', 'CONT'], ['stopped, and then killed', 'KILL']) {
    my ($how, $signal) = @$_;
    settle($proxy);
    my $before = told_dropped();
    my $logger = logger_pid();
    kill 'STOP', $logger;
    is long(300), 300, "the logger is $how, and requests are answered";
    kill $signal, $logger;
    ok eventually(sub { told_dropped() > $before }), 'what did not fit is told';
    my $dropped = told_dropped() - $before;
    is scalar(new_lines(300 - $dropped)) + $dropped, 300, "written or counted, each line ($dropped were dropped)";
    cmp_ok $dropped, '>', 100, 'the ring has its bounds';
}
my $told = told_dropped();
like join(' ', map { $_->{state} } @{ $proxy->ctl_json('status')->{processes} }), qr/logger ready .*written=\d{4,} dropped=$told\b/, 'dynproxyctl status has the counts';

# --- the end
is $proxy->get('alpha', '/last')->status, 200, 'the last request';
$proxy->stop;
like +(new_lines(1))[-1], qr{"GET /last HTTP/1\.1"}, 'is in the log when all is over';

# --- no room on the disk
my $poor = DynProxy->new(expect => qr/access-log-stopped/,
    conf => { access_log => qq("$dir/poor.log"), access_log_space_min => '1024g' });
is $poor->get('nobody', '/')->status, 404, 'no room on the disk: requests are answered' for 1 .. 3;
ok eventually(sub { $poor->log =~ /access-log-stopped/ }), 'and it is told';
is $poor->get('nobody', '/')->status, 404, 'more requests' for 1 .. 3;
$poor->stop;
is scalar(() = $poor->log =~ /access-log-stopped/g), 1, 'once';
is -s "$dir/poor.log", 0, 'nothing is written';

# --- JSON
$file = "$dir/json.log";
$seen = 0;
my $json = DynProxy->new(tools => ['alpha'], conf => { access_log => qq("$file"), access_log_format => 'json', keepalive_timeout => '1s',
    access_log_address => 'network' });
is $json->register('alpha', '/j.*', $backend->url), 'ok', 'a tool';
settle($json);
$json->get('alpha', '/json?x="', headers => { 'X-Request-Id' => 'request-17',
    traceparent => '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', Referer => 'http://r/', 'User-Agent' => "caf\xc3\xa9 \"\\" });
$line = (new_lines(1))[-1];
my $object = decode_json($line);
is join(' ', $line =~ /[{,]"(\w+)":/g), 'ts node worker id trace client host zone tool route method path proto tls status '
    . 'origin reason bytes_in bytes_out backend attempts t_connect t_first t_total referer ua', 'JSON: the fields in their order';
like delete $object->{trace}, qr/\A00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01\z/,
    'its trace, with the span that the backend was told';
delete $object->{$_} for qw(ts node t_connect t_first t_total);
is_deeply $object, { worker => 0, id => 'request-17', client => '127.0.0.0', host => $host, zone => 'example.test',
    tool => 'alpha', route => '/j.*', method => 'GET', path => '/json?x="', proto => 'h1', tls => undef, status => 200,
    origin => 'backend', reason => undef, bytes_in => 0, bytes_out => 14, backend => $at, attempts => 1,
    referer => 'http://r/', ua => "caf\xe9 \"\\" }, 'and what they say';
$json->raw("GET / HTTP/1.1\r\n\r\n");
$object = decode_json((new_lines(1))[0]);
is $object->{reason}, 'no-host', 'a refused one has its reason';
is $object->{origin}, 'proxy', 'and is ours';
like $object->{id}, qr/\A[0-9a-f]{32}\z/, 'and an id';
my $page = $json->raw("POST /json HTTP/1.1\r\nHost: $host\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n");
$object = decode_json((new_lines(1))[0]);
is join(' ', map { $_ // '-' } @$object{qw(status reason id)}), '400 bad-request ' . ($page =~ /^request: (\S+)$/m)[0],
    'one whose body is wrong has the id that its page has';
$json->raw($asked{$_}->($all) . "\r\n") for sort keys %asked;
is scalar(grep { eval { decode_json($_); 1 } } new_lines(scalar keys %asked)), scalar(keys %asked), 'JSON it is with any bytes';
$json->stop;

# --- the master is killed: the logger writes on, as long as somebody serves
$file = "$dir/orphan.log";
my $orphan = DynProxy->new(conf => { access_log => qq("$file") });
my ($worker, $its_logger) = ($orphan->worker_pids, $orphan->pids('logger'));
kill 'KILL', $orphan->{pid};
ok eventually(sub { $orphan->log =~ /logger\]: master-gone/ }), 'the master is killed';
settle($orphan);
like +(lines_of())[-1], qr/settled/, 'requests are served and logged';
kill 'KILL', $worker;
ok eventually(sub { DynProxy::slurp("/proc/$its_logger/stat") !~ /\) [^Z]/ }), 'with the last worker the logger ends';
$orphan->abandon;

# --- nginx says the same of the same requests, byte for byte
my $nginx_port = free_port();
open my $conf, '>', "$dir/nginx.conf" or die;
print $conf <<"CONF";
daemon off; master_process off; pid $dir/nginx.pid; error_log $dir/nginx.err;
events {}
http {
    log_format vhosts '\$host \$remote_addr - \$remote_user [\$time_local] "\$request" '
        '\$status \$body_bytes_sent "\$http_referer" "\$http_user_agent" (backend \$upstream_addr)';
    access_log $dir/nginx.log vhosts;
    client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
    server { listen 127.0.0.1:$nginx_port; location / { proxy_pass http://$at; } }
}
CONF
close $conf;
my $nginx = fork // die;
if (!$nginx) { open STDERR, '>', '/dev/null'; exec 'nginx', '-p', $dir, '-c', "$dir/nginx.conf" or POSIX::_exit(1) }
$file = "$dir/ours.log";
my $ours = DynProxy->new(tools => ['alpha'], conf => { access_log => qq("$file") });
is $ours->register('alpha', '.*', $backend->url), 'ok', 'nginx beside us';
ok eventually(sub { $ours->connect($nginx_port) }), 'with the same backend';
settle($ours);
my @same = (
    "GET /a?b=\"c\" HTTP/1.1\r\nHost: $host\r\nUser-Agent: $value\r\nReferer: \\x41 $value\r\n",
    "HEAD /bytes/100 HTTP/1.1\r\nHost: $host\r\n",
    "GET /bytes/100000 HTTP/1.1\r\nHost: ALPHA.example.test:8000\r\n",
    "GET / HTTP/1.0\r\nHost: $host.\r\n",
    "GET http://$host/abs HTTP/1.1\r\nHost: $host\r\n",
    map { "GET / HTTP/1.1\r\nHost: $host\r\nAuthorization: $_\r\n" }
        'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'basic  dXNlcjo=', 'Basic dXNlcg==', 'Basic OnBhc3M=', 'Basic IjoK', 'Bearer dXNlcjpwYXNz', 'Basic !!!!',
);
for my $bytes (@same) {
    DynProxy::converse($ours->connect($_), "${bytes}Connection: close\r\n\r\n") for $ours->{http_port}, $nginx_port;
}
my @their = do { eventually(sub { lines_of("$dir/nginx.log") >= @same }); lines_of("$dir/nginx.log") };
my @our = new_lines(scalar @same);
is without_time($our[$_]), without_time($their[$_] // ''), 'as nginx: ' . substr($same[$_], 0, 30) =~ s/\r.*//sr for 0 .. $#same;
kill 'TERM', $nginx;
waitpid $nginx, 0;
$ours->stop;

# --- goaccess reads the file with nothing to complain of; a line that does not
# fit in its 4096 bytes it takes for several
my @formats = ('--log-format=%v %h %^ %e [%d:%t %^] "%r" %s %b "%R" "%u" (backend %^)', '--date-format=%d/%b/%Y', '--time-format=%T');
@lines = grep { length() < 4096 } lines_of($old), lines_of("$dir/access.log");
open my $out, '>', "$dir/goaccess.log" or die;
print $out @lines;
close $out;
my ($status, undef, $err) = run_command('goaccess', "$dir/goaccess.log", @formats, '--no-global-config', '-o', "$dir/report.json", '--invalid-requests', "$dir/invalid");
is $status, 0, 'goaccess' or diag $err;
my $report = decode_json(DynProxy::slurp("$dir/report.json"))->{general};
is $report->{failed_requests}, 0, 'fails at no line' or diag join '', (lines_of("$dir/invalid"))[0 .. 5];
is $report->{valid_requests}, scalar(@lines), 'and knows all of them';

done_testing;
