# Who owns domain proxies gets the original's API: every request, and every
# error that a user of REST expects (dynproxy-domains(8)).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Domains;
use RedisServer;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep);

my $redis = RedisServer->new;
my $proxy = DynProxy->new(conf => { redis => '"' . $redis->addr . '"' });
my $backend = $proxy->backend(count => 3);
my @url = sort map { $backend->url($_) } 0 .. 2;
ok eventually(sub { $proxy->redis_status->{synced} }), 'Redis is there';
my $dir = $proxy->{dir};
sub script {
    my ($name, $text) = @_;
    open my $fh, '>', "$dir/$name" or die $!;
    print $fh "#!/bin/sh\n$text";
    close $fh;
    chmod 0755, "$dir/$name";
    return "$dir/$name";
}
# fails the first time; keeps what it was told
my $hook = script('dns', "if mkdir $dir/tried 2>/dev/null; then echo no >&2; exit 1; fi; cat >> $dir/told; echo >> $dir/told\n");
my $live = script('live', "cat $dir/live.txt\n");

my $api = Domains->new($proxy,
    options => ['--dns-hook', $hook, '--live-hook', $live],
    tokens  => { one => ['ann', 'p1', 'member'], two => ['bob', 'p2', 'member'], look => ['eve', 'p1', 'reader'], root => ['ada', 'ops', 'admin'] },
    zones   => [
        { name => 'example.org', shared => JSON::PP::true, default => JSON::PP::true },
        { name => 'old.org', shared => JSON::PP::true, deprecated => JSON::PP::true },
        { name => 'own.org', projects => ['p1'] },
    ]);
my ($status, $answer, $head);
sub ask { ($status, $answer, $head) = $api->ask(@_); return $status }
sub served {
    my ($host) = @_;
    my $said = $proxy->raw("GET / HTTP/1.1\r\nHost: $host\r\nUser-Agent: t\r\nConnection: close\r\n\r\n");
    return $said =~ /^HTTP\S+ 200.*backend (\d+)/s ? $1 : 0;
}
sub in_redis { join ' ', sort split /\n/, $redis->cli('smembers', "frontend:$_[0]") }
my $MAPPING = '/v1/p1/mapping';

# Nothing yet.
is ask('GET', $MAPPING, 'one'), 400, 'a project that never was';
is $answer->{error}, 'No such project', 'as the original says it';
is ask('GET', "$MAPPING/www.example.org", 'one'), 400, 'likewise one domain';

# PUT creates, or adds.
is ask('PUT', $MAPPING, 'one', { domain => 'WWW.example.org.', backends => [ $url[0] ] }), 200, 'PUT';
is_deeply $answer, { domain => 'www.example.org', backends => [ $url[0] ] }, 'says what is so now';
ok served('www.example.org'), 'served at once';
is in_redis('www.example.org'), $url[0], 'and in Redis';
is ask('PUT', $MAPPING, 'one', { domain => 'www.example.org', backends => [ @url[0 .. 2] ] }), 200, 'PUT adds';
is_deeply [ $api->stored ], ["www.example.org @url"], 'each once';
is in_redis('www.example.org'), "@url", 'the same in Redis';
my %seen;
$seen{ served('www.example.org') }++ for 1 .. 60;
is_deeply [ sort keys %seen ], [ sort $backend->ports ], 'the load is spread over three';

# GET.
is ask('GET', $MAPPING, 'look'), 200, 'GET of all, by a reader';
is_deeply $answer, { project => 'p1', routes => [ { domain => 'www.example.org', backends => \@url } ] }, 'the JSON of the original';
is ask('GET', "$MAPPING/www.example.org", 'one'), 200, 'GET of one';
is_deeply $answer, { domain => 'www.example.org', backends => \@url }, 'its JSON';
is ask('HEAD', "$MAPPING/www.example.org", 'one'), 200, 'HEAD';
is ask('GET', "$MAPPING/nobody.example.org", 'one'), 400, 'no such one';
is $answer->{error}, 'No such domain', 'as the original says it';
is ask('GET', '/v1/p1/zones', 'one'), 200, 'zones';
is_deeply [ map { join ' ', $_->{name}, map { $_ ? 1 : 0 } @$_{qw(deprecated default shared)} } @{ $answer->{zones} } ],
    [ 'example.org 0 1 1', 'old.org 1 0 1', 'own.org 0 0 0' ], 'with what they are';
ask('GET', '/v1/p2/zones', 'two');
is scalar @{ $answer->{zones} }, 2, "and not another project's";

is ask('PUT', $MAPPING, 'one', { domain => 'refused.example.org', backends => ['http://0.0.0.0:8000'] }), 400, 'what the registrar refuses';
# POST replaces, and renames.
is ask('POST', "$MAPPING/www.example.org", 'one', { domain => 'web.example.org', backends => [ $url[1] ] }), 200, 'POST renames';
ok served('web.example.org') && !served('www.example.org'), 'the new name is served, the old one is not';
is $redis->cli('exists', 'frontend:www.example.org'), 0, 'nor in Redis';
is ask('POST', "$MAPPING/web.example.org", 'one', { domain => 'web.example.org', backends => [ @url[1, 2] ] }), 200, 'POST replaces';
is_deeply [ $api->stored ], ["web.example.org @url[1, 2]"], 'all backends';
is ask('POST', "$MAPPING/www.example.org", 'one', { domain => 'x.example.org', backends => [ $url[1] ] }), 400, 'POST to nothing';

# Wildcards and exact names; who may have what.
is ask('PUT', $MAPPING, 'one', { domain => '*.own.org', backends => [ $url[0] ] }), 200, "a wildcard in the project's own zone";
is ask('PUT', $MAPPING, 'one', { domain => 'a.own.org', backends => [ $url[1] ] }), 200, 'an exact name below';
is served('b.own.org'), $url[0] =~ s/.*://r, 'any other name';
is served('a.own.org'), $url[1] =~ s/.*://r, 'the exact one comes first';
is ask('GET', "$MAPPING/*.own.org", 'one'), 200, 'a star in a path';
is ask('DELETE', "$MAPPING/%2A.own.org", 'one'), 200, 'or as %2A';
for (['one', 'p1', '*.example.org', 'no wildcard'], ['one', 'p1', 'a.old.org', 'deprecated'], ['one', 'p1', 'example.org', 'the zone itself'],
    ['one', 'p1', 'a.nowhere.org', 'no zone'], ['two', 'p2', 'c.own.org', "another's zone"], ['two', 'p2', 'web.example.org', "another's domain"]) {
    my ($token, $project, $domain, $what) = @$_;
    is ask('PUT', "/v1/$project/mapping", $token, { domain => $domain, backends => [ $url[0] ] }), 403, "403: $what";
}
is ask('PUT', '/v1/p2/mapping', 'root', { domain => 'a.old.org', backends => [ $url[0] ] }), 200, 'an administrator may';
is ask('POST', '/v1/p2/mapping/a.old.org', 'two', { domain => 'web.example.org', backends => [ $url[0] ] }), 403, 'no rename onto a name that is taken';
is ask('GET', '/v1/p1/mapping/a.old.org', 'one'), 400, "another's domain is none of one's own";
is ask('DELETE', '/v1/p1/mapping/a.old.org', 'one'), 400, 'nor can it be deleted';

# Who asks.
is ask('GET', $MAPPING), 401, 'no token';
like $head, qr/^WWW-Authenticate: Bearer\r$/m, 'and which kind is wanted';
is ask('GET', $MAPPING, 'wrong'), 401, 'a wrong one';
is ask('GET', $MAPPING, 'two'), 403, "another project's";
is ask('PUT', $MAPPING, 'two', { domain => 'z.example.org', backends => [ $url[0] ] }), 403, 'nor may it change';
is ask('DELETE', "$MAPPING/web.example.org", 'look'), 403, 'a reader may not either';
is ask('GET', $MAPPING, undef, undef, '-H', 'X-Auth-Token: one'), 200, "OpenStack's header";
$api->{tokens}{three} = ['joe', 'p1', 'reader'];
$api->write_tokens;
is ask('GET', $MAPPING, 'three'), 200, 'a new token is known at once';

# What is no request.
my $good = { domain => 'q.example.org', backends => [ $url[0] ] };
for my $domain ('', '.', '-a.example.org', 'a-.example.org', 'a..example.org', 'a_b.example.org', 'a.*.example.org', '*', 'a' x 64 . '.example.org', join('.', ('a' x 60) x 5)) {
    is ask('PUT', $MAPPING, 'one', { %$good, domain => $domain }), 400, "400: the domain '" . substr($domain, 0, 20) . "'";
    is $answer->{error}, 'Invalid domain', '  as the original says it';
}
for my $body ('', '{', '[]', '{"domain":"q.example.org"}', '{"domain":"q.example.org","backends":"x"}', '{"domain":1,"backends":[]}',
    '{"domain":"q.example.org","backends":[]}', '{"domain":"q.example.org","backends":[1]}', '{"domain":"q.example.org","backends":["http://a b"]}',
    '{"domain":"q.example.org","backends":["http://name:80"]}', '{"domain":"q.example.org","backends":["http://169.254.169.254:80"]}',
    encode_json({ %$good, backends => [ map { "http://127.0.0.1:$_" } 2000 .. 2016 ] })) {
    is ask('PUT', $MAPPING, 'one', $body), 400, '400: ' . substr $body, 0, 80;
}
is $redis->cli('exists', 'frontend:q.example.org'), 0, 'none of it is left';
is ask('PUT', $MAPPING, 'one', undef, '-H', 'Content-Type: text/plain', '-d', '{}'), 415, '415: not JSON';
is ask('PUT', $MAPPING, 'one', '"' . 'x' x 70000 . '"'), 413, '413: too large a body';
is ask('PUT', $MAPPING, 'one', encode_json($good), '-H', 'Transfer-Encoding: chunked'), 411, '411: no length';
is ask('PATCH', $MAPPING, 'one'), 405, '405: not this method';
like $head, qr/^Allow: GET, PUT\r$/m, 'and what is allowed';
is ask('GET', $_, 'one'), 404, "404: $_" for '/', '/v1', '/v1/p1', '/v1/p1/mapping/', '/v1//mapping', '/v2/p1/mapping', '/v1/p1/mapping/a/b', '/v1/p%2f1/mapping';
is ask('GET', "$MAPPING/" . 'x' x 5000, 'one'), 414, '414: too long a path';
is ask('GET', $MAPPING, 'one', undef, map { ('-H', "X-$_: " . 'x' x 4000) } 1 .. 5), 431, '431: too large a head';
like $head, qr{^Content-Type: application/json\r$}m, 'errors are JSON';

# The description says what is served, and nothing else.
is ask('GET', '/v1/openapi.json'), 200, 'the description';
my $paths = $answer->{paths};
my ($rows) = DynProxy::slurp("$DynProxy::ROOT/tools/domains_api.c") =~ /api_endpoints\[\] = \{(.*?)^\};/ms;
my %row;
while ($rows =~ /\{ "([A-Z]+)",\s*(MAPPING)?\s*(?:"([^"]*)")?,/g) {
    $row{ lc($1) . ' ' . ($2 ? '/v1/{project}/mapping' : '') . ($3 // '') } = 1;
}
my %described = map { my $p = $_; map { ("$_ $p" => 1) } keys %{ $paths->{$p} } } keys %$paths;
is_deeply \%described, \%row, 'has the rows of the table';
for my $path (sort keys %$paths) {
    (my $real = $path) =~ s/\{project\}/p1/;
    $real =~ s/\{domain\}/nobody.example.org/;
    for my $method (qw(GET PUT POST DELETE PATCH)) {
        ask($method, $real, 'look');
        my $operation = $paths->{$path}{ lc $method };
        ok $operation ? $operation->{responses}{$status} : $status == 405, "$method $path is answered $status" or diag $head;
    }
}

# Scrub: who is not alive.
sub alive {
    open my $fh, '>', "$dir/live.txt" or die $!;
    print $fh map { "$_\n" } @_;
    close $fh;
}
alive();
is ask('PUT', '/v1/p1/scrub_mapping', 'one'), 503, 'an empty list is a loss';
alive('127.0.0.1');
ask('PUT', $MAPPING, 'one', { domain => 'dead.example.org', backends => ['http://127.0.0.9:8000'] });
ask('PUT', $MAPPING, 'one', { domain => 'web.example.org', backends => ['http://127.0.0.9:8000'] });
DynProxy::run_command('sqlite3', '-cmd', '.timeout 5000', $api->path('data.db'), "insert into backend (url, route_id) select 'http://name:80', id from route where domain = 'a.own.org'");
is ask('PUT', '/v1/p1/scrub_mapping', 'one'), 200, 'scrub';
is_deeply [ sort map { "$_->{domain} @{ $_->{backends} }" } @{ $answer->{removed} } ],
    [ 'dead.example.org http://127.0.0.9:8000', 'web.example.org http://127.0.0.9:8000' ], 'says what it removed';
is in_redis('web.example.org'), "@url[1, 2]", 'the living stay';
is $redis->cli('exists', 'frontend:dead.example.org'), 0, 'a domain without any goes';
like join("\n", $api->stored), qr/^a\.own\.org .*http:\/\/name:80/m, 'names are left alone';

# One dead backend is not noticed.
ask('PUT', $MAPPING, 'one', { domain => 'half.example.org', backends => [ $url[0], $url[1], 'http://127.0.0.1:' . free_port() ] });
is scalar(grep { served('half.example.org') } 1 .. 40), 40, 'one dead backend of three is not noticed';

# DELETE, the DNS, the log.
is ask('DELETE', "$MAPPING/half.example.org", 'one'), 200, 'DELETE';
is_deeply $answer, { deleted => 'half.example.org' }, 'says so';
ok !served('half.example.org'), 'gone at once';
is ask('DELETE', "$MAPPING/half.example.org", 'one'), 400, 'there is nothing to delete';
my %dns;
ok eventually(sub {
    %dns = map { my $m = decode_json($_); ($m->{domain} => $m->{action}) } grep { /\S/ } split /\n/, DynProxy::slurp("$dir/told");
    ($dns{'half.example.org'} // '') eq 'absent' && ($dns{'web.example.org'} // '') eq 'present' && ($dns{'www.example.org'} // '') eq 'absent';
}, 20), 'the DNS was told, although the hook had failed';
ok !exists $dns{'refused.example.org'}, 'but not of what neither came nor went';
like $api->log, qr/mapping-set domain=www\.example\.org project=p1 by=ann/, 'changes are in the log of the API';
like $proxy->log, qr/route-registered name=www\.example\.org/, 'and of the registrar';

# Read-only.
is $api->stop, 0, 'it ends when told to';
push @{ $api->{options} }, '--read-only';
$api->start;
is ask('GET', $MAPPING, 'one'), 200, 'read-only: GET';
is ask($_->[0], $_->[1], 'one', $_->[2]), 403, "read-only: $_->[0]"
    for ['PUT', $MAPPING, $good], ['POST', "$MAPPING/web.example.org", $good], ['DELETE', "$MAPPING/web.example.org"], ['PUT', '/v1/p1/scrub_mapping'];
$api->stop;

# Keystone.
my $port = free_port();
my $keystone = fork // die $!;
exec 'python3', "$FindBin::Bin/keystone.py", $port if !$keystone;
END { if ($keystone) { local $?; kill 'KILL', $keystone; waitpid $keystone, 0 } }
open my $fh, '>', "$dir/own" or die $!;
print $fh "own\n";
close $fh;
delete $api->{tokens};
@{ $api->{options} } = ('--keystone', "http://127.0.0.1:$port", '--keystone-token', "$dir/own");
$api->start;
ok eventually(sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") }), 'Keystone answers';
is ask('PUT', '/v1/one-id/mapping', 'good', $good), 200, 'a member by Keystone';
is ask('GET', '/v1/one-id/mapping', 'looks'), 200, 'a reader';
is ask('DELETE', '/v1/one-id/mapping/q.example.org', 'looks'), 403, 'who may not delete';
is ask('GET', '/v1/p1/mapping', 'good'), 403, 'another project';
is ask('GET', '/v1/one-id/mapping', 'unknown'), 401, 'a token that Keystone does not know';
is ask('GET', '/v1/one-id/mapping', 'unscoped'), 401, 'one of no project';
is ask('GET', '/v1/one-id/mapping', 'broken'), 503, 'an answer that is none';
kill 'KILL', $keystone;
waitpid $keystone, 0;
$keystone = 0;
is ask('GET', '/v1/one-id/mapping', 'good'), 503, 'no Keystone: nobody gets in';
is $api->stop, 0, 'ended';

# With few descriptors: it ends with an error, or serves when one is free.
my ($files, $server, $serves, @ended) = (3);
until ($serves || $files == 64) {
    $files++;
    $server = fork // die $!;
    if (!$server) {
        open STDERR, '>>', $api->path('domains.log');
        exec 'prlimit', "--nofile=$files", $api->command or POSIX::_exit(127);
    }
    my ($client, $gone);
    sleep 0.02 until ($gone = waitpid $server, POSIX::WNOHANG) || ($client = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$api->{port}"));
    push @ended, $? if $gone;
    $serves = $client;
}
is scalar(grep { $_ == 0 } @ended), 0, "too few for it, from 4 to $files: an error";
my $burnt = sub { my @of = split ' ', DynProxy::slurp("/proc/$server/stat") =~ s/.*\)//r; $of[11] + $of[12] };
my $before = $burnt->();
sleep 1;
cmp_ok $burnt->() - $before, '<', 20, 'who has none for a client rests, in ticks';
kill 'TERM', $server;
waitpid $server, 0;
is $?, 0, 'and ends when it is told to';
done_testing;
