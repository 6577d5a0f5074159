# Every reason of the closed list is provoked, and has one word in the header,
# on the page, in the access log, in the metrics, and in dynproxy-errors(7),
# which says what helps (2-http.md 2.3, 4-operations.md 4.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use DynProxy::Scripted;
use Faults;
use File::Temp;
use JSON::PP;
use Socket;

# --- the list, and the manual's entries
my %word = map { $_ => 1 } DynProxy::slurp("$DynProxy::ROOT/http/reason.c") =~ /\{ "([a-z-]{2,})",\s*\d+,\s*VOICE_/g;
my ($entries) = DynProxy::slurp("$DynProxy::ROOT/man/dynproxy-errors.7") =~ /^\.Sh REASONS\n(.*)^\.Sh EVENTS/ms;
my %entry = map { /\A([a-z-]+) Pq (\d+)\n(.*)\z/s ? ($1 => { status => $2, text => $3 }) : () } split /^\.It Sy /m, $entries;

my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $TOOLS = [qw(alpha quick full shut silent stopped tls far queue)];
my ($BABBLE_PORT, $IDENT_PORT, $DEFAULT_PORT) = map { free_port() } 1 .. 3;

# A proxy with a log of its own.
sub proxy {
    my ($class, $name, %want) = @_;
    my $proxy = $class->new(tools => $TOOLS, %want,
        conf => { access_log => qq("$scratch/$name.log"), access_log_format => '"json"', %{ $want{conf} // {} } });
    $proxy->{lines} = "$scratch/$name.log";
    return $proxy;
}

my $proxy = proxy(DynProxy => 'main',
    conf => {
        backend_networks     => '{ "127.0.0.0/8", "10.0.0.0/8" }',
        response_timeout     => '4s',    # less than what a backend sleeps
        connect_timeout      => '1s',
        request_head_timeout => '1s',
        request_body_max     => '1m',
        refuse_no_agent      => 'yes',
        tool_requests_max    => 4,
        rate_limit           => 1,
        rate_burst           => 500,    # more than all rows but one ask for
        default_backend      => qq("http://127.0.0.1:$DEFAULT_PORT"),
        verify_interval      => '2s',
        ident_port           => $IDENT_PORT,
        ident_networks       => '{ "127.0.0.0/8" }',
    });
my $real    = $proxy->backend;
my $slow    = $proxy->backend(after_ms => 60_000);
my $queue   = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
my $backend = DynProxy::Scripted->new(sub {
    my ($method, $path, undef, $socket) = @_;
    return 0 if $path eq '/closes' || $method eq 'POST';
    return sleep 5 if $path eq '/silent';
    print $socket $path eq '/nonsense' ? "what?\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
    sleep 5 if $path eq '/stops';
    print $socket 'mine';
    return $path eq '/';
});
my %url = (
    alpha   => $backend->url,
    stopped => $backend->url,
    quick   => $real->url,
    full    => $slow->url,
    silent  => 'http://127.0.0.1:' . free_port(),
    tls     => "https://127.0.0.1:$BABBLE_PORT",
    far     => 'http://10.99.99.99:8000',    # of which there is no network here
    queue   => 'http://127.0.0.1:' . $queue->sockport,
);
is $proxy->register($_, '.*', $url{$_}), 'ok', "a tool, $_" for sort keys %url;

# --- how to ask
# One request, whole, as text likes it; the answer.
sub say_head {
    my ($on, $head) = @_;
    return DynProxy::Response->new($on->raw("${head}Connection: close\r\nUser-Agent: a test\r\n\r\n"));
}
sub head_for { my ($on, $tool, $path, $method) = @_; ($method // 'GET') . " $path HTTP/1.1\r\nHost: " . $on->host($tool) . "\r\n" }
sub ask { my ($tool, $path, $fields) = @_; say_head($proxy, head_for($proxy, $tool, $path) . ($fields // '')) }

# On a connection that stays.
sub whole {
    my ($socket, $bytes) = @_;
    my ($got, $answer) = ('');
    local $SIG{PIPE} = 'IGNORE';
    print $socket $bytes;
    do { $answer = DynProxy::Response->new($got) } until $answer->status && $answer->complete || !$socket->sysread($got, 4096, length $got);
    return $answer;
}

# Many connections with a request each that will not be answered soon.
sub hold {
    my ($tool, $n) = @_;
    my @held = map { $proxy->connect } 1 .. $n;
    print $_ head_for($proxy, $tool, '/') . "User-Agent: a test\r\n\r\n" for @held;
    return @held;
}

# While something is so that dynproxyctl makes and ends.
sub between {
    my ($begin, $end, $ask) = @_;
    is $proxy->ctl(@$begin), 0, "  dynproxyctl @$begin" or diag $proxy->err;
    my $answer = $ask->();
    is $proxy->ctl(@$end), 0, "  dynproxyctl @$end" or diag $proxy->err;
    return $answer;
}

# Where there is a free port for nobody but who has one: the test's is open.
sub without_ports {
    my ($ask) = @_;
    my $range = '/proc/sys/net/ipv4/ip_local_port_range';
    my $before = DynProxy::slurp($range);
    my $taken = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $real->port, Proto => 'tcp') or die $!;
    my $client = $proxy->connect;
    my $only = $taken->sockport;
    write_to($range, "$only $only");
    my $answer = $ask->($client);
    write_to($range, $before);
    return $answer;
}
sub write_to { my ($path, $text) = @_; open my $fh, '>', $path or die "$path: $!"; print $fh $text; close $fh or die "$path: $!" }

# Calls a function with each connection to that port; ends with the test.
my @servers;
sub serve {
    my ($port, $answer) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 8, ReuseAddr => 1) or die $!;
    my $pid = fork // die $!;
    return push @servers, $pid if $pid;
    @SIG{qw(TERM PIPE)} = ('DEFAULT', 'IGNORE');
    close $backend->{keep};    # or it would not end before this
    while (my $socket = $listener->accept) { $answer->($socket) }
    POSIX::_exit(0);
}
END { local $?; kill 'TERM', $_ and waitpid $_, 0 for splice @servers }

# Whoever registers is tools.moved, and ports of backends are somebody else's.
sub identd {
    my ($socket) = @_;
    my ($theirs, $ours) = (<$socket> // '') =~ /(\d+)\s*,\s*(\d+)/ or return;
    print $socket "$theirs, $ours : USERID : UNIX : tools." . ($theirs == $real->port ? 'other' : 'moved') . "\r\n";
}

# A proxy that is not ready is started all the same.
package Unready {
    our @ISA = ('DynProxy');
    sub is_ready { $_[0]{unready} ? $_[0]->get('x', '/')->status == 503 : $_[0]->SUPER::is_ready }
    sub none_is { $_[0]{unready} || $_[0]->SUPER::none_is($_[1]) }
}

# --- a row a reason: what provokes it, which returns the answer; a list, when
# that proxy is another one; nothing, when the client gets no answer of ours
my %provoked = (
    'no-host'         => sub { say_head($proxy, "GET / HTTP/1.1\r\n") },
    'bad-request'     => sub { say_head($proxy, "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n") },
    'bad-version'     => sub { say_head($proxy, "GET / HTTP/3.0\r\nHost: a\r\n") },
    'method'          => sub { say_head($proxy, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n") },
    'target-too-long' => sub { ask('alpha', '/' . 'x' x 9000) },
    'header-too-large' => sub { ask('alpha', '/', "A: b\r\n" x 200) },
    'body-too-large'  => sub { ask('alpha', '/', "Content-Length: 9999999\r\n") },
    'loop'            => sub { ask('alpha', '/', "Via: 1.1 dynproxy, 1.1 dynproxy\r\n") },
    'no-agent'        => sub { DynProxy::Response->new($proxy->raw(head_for($proxy, 'alpha', '/') . "Connection: close\r\n\r\n")) },
    'timeout-client'  => sub { my $late = $proxy->connect; print $late "GET / HTTP/1.1\r\n"; DynProxy::Response->new(DynProxy::converse($late)) },
    'banned'          => sub { between([qw(ban 127.0.0.1)], [qw(unban 127.0.0.1)], sub { ask('alpha', '/') }) },
    'blocked-agent'   => sub { between([qw(block agent test)], [qw(unblock agent test)], sub { ask('alpha', '/') }) },
    'blocked-referer' => sub { between([qw(block referer bad)], [qw(unblock referer bad)], sub { ask('alpha', '/', "Referer: http://bad.test/\r\n") }) },
    'maintenance'     => sub { between([qw(maintenance on)], [qw(maintenance off)], sub { ask('alpha', '/') }) },
    'tool-maintenance' => sub { between([qw(maintenance on alpha)], [qw(maintenance off alpha)], sub { ask('alpha', '/') }) },
    'draining'        => sub { between([qw(standby on)], [qw(standby off)], sub { ask('alpha', '/.well-known/healthz') }) },
    'limit-client'    => sub {
        my $many = IO::Socket::INET->new(LocalAddr => '127.0.0.9', PeerAddr => "127.0.0.1:$proxy->{http_port}");
        my $head = "GET / HTTP/1.1\r\nHost: " . $proxy->host('quick') . "\r\nUser-Agent: a test\r\n";
        my $asked = DynProxy::converse($many, "$head\r\n" x 600, "${head}Connection: close\r\n\r\n");
        return DynProxy::Response->new($asked =~ /(HTTP\/1.1 429.*?\n\n?)(?=HTTP\/1.1|\z)/s ? $1 : '');
    },
    'client-gone'     => sub {
        my ($leaves) = hold('full', 1);
        eventually(sub { metric('dynproxy_http_requests_in_flight\{tool="full"\}') });
        setsockopt $leaves, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        return;
    },
    'limit-tool'      => sub {
        my @held = hold('full', 4);
        eventually(sub { metric('dynproxy_http_requests_in_flight\{tool="full"\}') == 4 });
        return ask('full', '/');
    },
    'backend-closed'        => sub { ask('alpha', '/closes') },
    'backend-closed-reused' => sub { ask('alpha', '/'); say_head($proxy, head_for($proxy, 'alpha', '/', 'POST')) },
    'backend-bad-response'  => sub { ask('alpha', '/nonsense') },
    'backend-tls'           => sub { serve($BABBLE_PORT, sub { print { $_[0] } "no TLS here\r\n" }); ask('tls', '/') },
    'tool-starting'         => sub { ask('silent', '/') },
    'tool-stopped'          => sub { $proxy->unregister('stopped', '.*'); ask('stopped', '/') },
    'backend-refused'       => sub {
        my $gone = $proxy->backend;
        $proxy->register('shut', '.*', $gone->url);
        ask('shut', '/');    # it has answered once
        $gone->stop;
        return ask('shut', '/');
    },
    'backend-unreachable'       => sub { ask('far', '/') },
    'backend-timeout-connect'   => sub {
        my @first = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $queue->sockport, Proto => 'tcp', Blocking => 0) } 1 .. 4;
        return ask('queue', '/');
    },
    'backend-timeout-first-byte' => sub { ask('alpha', '/silent') },
    'backend-timeout-idle'       => sub { ask('alpha', '/stops'); return },
    'default-backend-down'       => sub { ask('nobody', '/') },
    'limit-node'                 => sub {
        is $proxy->register('alpha', '/ports', $real->url), 'ok', '  a route for it';
        without_ports(sub { DynProxy::Response->new(DynProxy::converse($_[0], head_for($proxy, 'alpha', '/ports') . "User-Agent: a test\r\nConnection: close\r\n\r\n")) });
    },
    'stale-route' => sub {
        serve($IDENT_PORT, \&identd);
        my $client = $proxy->connect($proxy->{reg_port});
        is DynProxy::converse($client, "register\n.*\n" . $real->url . "\n"), 'ok', '  another tool registers by identd';
        my $answer;
        eventually(sub { $answer = ask('moved', '/'); ($answer->reason // '') eq 'stale-route' });
        return $answer;
    },
    'no-route' => sub {
        my $other = proxy(DynProxy => 'no-route');
        return ($other, say_head($other, head_for($other, 'nobody', '/')));
    },
    'misdirected' => sub {
        my $other = proxy(DynProxy => 'misdirected', tls => ["*.$DynProxy::DOMAIN"]);
        $other->ca->pair('other', names => ['other.test']);
        my @known = ('--fail-early', '--resolve', "other.test:$other->{https_port}:127.0.0.1", "https://other.test:$other->{https_port}/.well-known/healthz");
        ok eventually(sub { ($other->curl('alpha', '/.well-known/healthz', @known))[0] == 0 }), '  another certificate';
        return ($other, DynProxy::Response->new(($other->curl('alpha', '/', '--http1.1', '-i', '-H', 'Host: other.test'))[1]));
    },
    'not-ready' => sub {
        my $other = proxy(Unready => 'not-ready', expect => qr/store-failed|registrar-failed|child-/);
        my $database = "$other->{dir}/state/routes.sqlite";
        $other->stop;
        unlink $other->{lines};    # it begins to count anew, too
        open my $locker, '|-', 'sqlite3', $database or die $!;
        $locker->autoflush(1);
        print $locker "pragma locking_mode = exclusive;\nbegin exclusive;\n.shell touch $scratch/locked\n";
        eventually(sub { -e "$scratch/locked" });
        $other->{unready} = 1;
        $other->start;
        my $answer = say_head($other, head_for($other, 'nobody', '/'));
        close $locker;
        $other->{unready} = 0;
        ok eventually(sub { $other->is_ready }), '  it gets ready';
        return ($other, $answer);
    },
    'internal' => sub {
        my $faults = Faults->new;
        my $other = proxy(DynProxy => 'internal', program => $faults->program, expect => qr/^<3>(?!.*(?:child-|Assertion))/,
            conf => { redirects => '{ "from.test to.test" }' });
        my $long = 'x' x 6000;    # a location that needs memory of its own
        my ($answer, @kept);      # which go on, and so keep their buffers
        for my $n (map { 1 .. 20 } 1 .. 5) {
            $faults->fail(worker => $n);
            push @kept, $other->connect;
            $answer = whole($kept[-1], "GET /$long HTTP/1.1\r\nHost: from.test\r\n\r\n");
            $faults->fail(worker => 0);
            last if $answer->status == 500;
            $kept[-1]->syswrite('GET') if $answer->status;
        }
        return ($other, $answer);
    },
);

# --- what came of it
sub metric {
    my ($name, $on) = @_;
    my ($text, $sum) = (($on // $proxy)->admin('/metrics')->body, 0);
    $sum += $1 while $text =~ /^$name (\d+)$/mg;
    return $sum;
}
sub logged {
    my ($on, $word) = @_;
    return map { decode_json($_) } grep { /"reason":"\Q$word\E"/ } DynProxy::slurp($on->{lines}) =~ /^.*\n/mg;    # whole lines
}

is_deeply [sort keys %provoked], [sort keys %word], 'there is a row for every reason';
for my $word (sort { ($a eq 'limit-node') <=> ($b eq 'limit-node') || $a cmp $b } grep { $provoked{$_} } keys %word) {
    note $word;
    my ($answer, $on) = reverse $provoked{$word}->();
    $on //= $proxy;
    my $status = $entry{$word}{status} // 0;
    if (defined $answer) {
        is join(' ', $answer->status, $answer->reason // '-'), "$status $word", "$word: status and header";
        like $answer->body, qr/\b$status\b.*\(\Q$word\E\)/, '  the page';
    }
    my @lines;
    my $lines = metric(qq(dynproxy_errors_total\\{tool="[^"]*",reason="$word"\\}), $on);
    ok eventually(sub { $lines = metric(qq(dynproxy_errors_total\\{tool="[^"]*",reason="$word"\\}), $on);
        (@lines = logged($on, $word)) == $lines && $lines > 0 }), '  as many in the access log as in the metrics, and some'
        or diag "log: " . @lines . ", metrics: $lines";
    is_deeply [grep { $_->{origin} ne 'proxy' } @lines], [], '  which are ours' if defined $answer;
    like $entry{$word}{text} // '', qr/^(?:Client|Maintainer|Operator):\n?.*\S/m, '  its entry in the manual says what helps';
}
done_testing;
