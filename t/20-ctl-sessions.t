# dynproxyctl sessions lists the requests that have been running for a while,
# whatever protocol they came by, and a tool's own user sees its tool's only
# (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use AsUser;
use DynProxy;
use DynProxy::Scripted;
use File::Temp;
use JSON::PP;

my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta)], tls => ["*.$DynProxy::DOMAIN"], conf => {
    https_redirect => 'off', body_timeout => '2s', access_log => qq("$scratch/access.log"), access_log_address => '"network"',
    local_tools => '{ "61000:alpha", "61001:beta" }' });

# It says some, and no more until its client is gone.
my %says = (
    '/begun' => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello",
    '/chat'  => "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfine",
);
my $slow = DynProxy::Scripted->new(sub {
    my (undef, $path, undef, $socket) = @_;
    $socket->print($says{$path} // '');
    1 while $socket->sysread(my $more, 4096);
    return 0;
});
is $proxy->register($_, '.*', $slow->url), 'ok', "$_, a slow tool" for qw(alpha beta);

sub sessions {
    my (@operands) = @_;
    $proxy->ctl('--json', 'sessions', @operands) == 0 or die $proxy->err;
    return { map { $_->{url} => $_ } map { decode_json($_) } split /\n/, $proxy->out };
}

# The URLs, when there are so many.
sub urls_of {
    my ($n, @operands) = @_;
    my $all;
    eventually(sub { keys %{ $all = sessions(@operands) } == $n }, 30);
    return join ' ', sort keys %$all;
}

sub begin {
    my ($tool, $path, @fields) = @_;
    my $client = $proxy->connect;
    $client->printflush(join "\r\n", "GET $path HTTP/1.1", 'Host: ' . $proxy->host($tool), @fields, '', '');
    return $client;
}

is urls_of(0), '', 'nothing is running';
my @clients = (begin('alpha', '/silent?password=secret'), begin('beta', '/begun'),
    begin('alpha', '/chat', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='));
my $host = $proxy->host('alpha');
my $curl = open my $answer, '-|', 'curl', '-s', '--http2', '--max-time', 60, '--cacert', $proxy->ca->file, '--noproxy', '*',
    '--resolve', "$host:$proxy->{https_port}:$proxy->{address}", "https://$host:$proxy->{https_port}/by-tls" or die $!;

my %url = map { $_ => "http://$host$_" } qw(/silent /chat);
@url{qw(/begun /by-tls)} = ('http://' . $proxy->host('beta') . '/begun', "https://$host/by-tls");
is urls_of(4), join(' ', sort values %url), 'four are running, without their queries';
$clients[2]->printflush('hello');
ok eventually(sub { sessions()->{ $url{'/chat'} }{received} == 5 }, 30), "a tunnel's bytes are counted";
is $proxy->metrics->{dynproxy_websocket_upgrades_total}, 1, 'which is counted, too';
for (['/silent', 'alpha', 'h1', 'waiting', 0, 0], ['/begun', 'beta', 'h1', 'receiving', 0, 5],
    ['/chat', 'alpha', 'h1', 'tunnel', 5, 4], ['/by-tls', 'alpha', 'h2', 'waiting', 0, 0]) {
    my ($path, @want) = @$_;
    my ($request, $is);
    eventually(sub { $request = sessions()->{ $url{$path} }; ($is = join ' ', @$request{qw(tool protocol state received sent)}) eq "@want" });
    is $is, "@want", $path;
    is $request->{client}, $proxy->{address} =~ s/\d+$/0/r, '  from where, as the access log says it';
    is 'http://' . $request->{backend}, $slow->url, '  to where';
    like "$request->{age} $request->{worker}", qr/^\d+ \d+$/, '  for how long, and by which worker';
}
is urls_of(1, '--tool', 'beta'), $url{'/begun'}, 'of one tool';
is urls_of(4, '--older', '2s'), join(' ', sort values %url), 'those that are old enough';
is urls_of(0, '--older', '1h'), '', 'which is none';
is $proxy->ctl('sessions', '--tool', 'alpha', '--older', '1s'), 0, 'for people';
like $proxy->out, qr{^ *\d+[sm]  waiting +h1 +0 +0  \S+  \S+  alpha  \Q$url{'/silent'}\E$}m, 'a line each';
unlike $proxy->out, qr/secret|beta/, 'without what is not meant';
is $proxy->ctl('sessions', '--older', 'soon'), 2, 'wrong usage';
is $proxy->ctl('sessions', '--tool'), 2, 'and more of it';

# --- a tool's own user
my ($code, $out) = ctl_as($proxy, 61001, 'sessions');
is $code, 0, "a tool's user sees its tool's";
like $out, qr{^AGE [^\n]*\n[^\n]* \Q$url{'/begun'}\E\n\z}, 'and no other';
($code, $out) = ctl_as($proxy, 61001, 'sessions', '--tool', 'alpha');
is "$code $out", '4 ', 'not even when it asks';

close $_ for @clients;
kill 'TERM', $curl;
close $answer;
is urls_of(0), '', 'they are over';
done_testing;
