# What the domain API has answered 200 is in SQLite, in Redis and in the table:
# with 16 clients at once, and whatever is killed meanwhile.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Domains;
use RedisServer;
use JSON::PP;

my $DOMAINS = 1000;
my $KILL_EVERY = 100;    # PUTs
my $redis = RedisServer->new;
my $proxy = DynProxy->new(conf => { redis => '"' . $redis->addr . '"' }, expect => qr/child-died|redis-lost|child-crash-loop/);
my $backend = $proxy->backend(count => 3);
my @url = sort map { $backend->url($_) } 0 .. 2;
ok eventually(sub { my $s = $proxy->ctl_json('status'); $s && $s->{registrar}{redis}{synced} }), 'Redis is there';
my $api = Domains->new($proxy,
    tokens => { one => ['ann', 'p1', 'member'] },
    zones  => [ { name => 'example.org', shared => JSON::PP::true } ]);

# As the registrar has them, "domain url url".
sub in_table {
    my $socket = IO::Socket::UNIX->new(Peer => $proxy->socket_path('control')) or return;
    my $answer = decode_json(DynProxy::say_on($socket, '{"v":1,"cmd":"frontends","args":[]}'));
    return sort map { join ' ', $_->{domain}, sort @{ $_->{backends} } } @{ $answer->{data} };
}

sub in_redis {
    my $out = $redis->cli('eval', 'local r = {} for _, k in ipairs(redis.call("keys", "frontend:*")) do'
        . ' local m = redis.call("smembers", k) table.sort(m)'
        . ' table.insert(r, string.sub(k, 10) .. " " .. table.concat(m, " ")) end return r', 0);
    return sort split /\n/, $out;
}

sub served {
    my ($domain) = @_;
    return $proxy->raw("GET / HTTP/1.1\r\nHost: $domain\r\nUser-Agent: t\r\nConnection: close\r\n\r\n") =~ /^HTTP\S+ 200.*backend/s;
}

sub domains_of {
    my ($name) = @_;
    return [ map { { domain => "$name$_.example.org", backends => \@url } } 1 .. $DOMAINS ];
}

sub all_agree {
    my ($what, $wanted) = @_;
    my @wanted = sort map { "$_->{domain} @{ $_->{backends} }" } @$wanted;
    my $missing = sub {
        my %has = map { $_ => 1 } @_;
        return scalar grep { !$has{$_} } @wanted;
    };
    # a registrar that has just begun may have told Redis nothing yet, and says so
    ok eventually(sub { my $r = (($proxy->ctl_json('status') // {})->{registrar} // {})->{redis}; $r && $r->{synced} && !$r->{unsaved} }),
        "$what: nothing is unsaved";
    is $missing->($api->stored), 0, "$what: SQLite has all";
    is $missing->(in_redis()), 0, "$what: Redis has";
    is $missing->(in_table()), 0, "$what: the registrar has";
    is scalar(grep { !served($_->{domain}) } @$wanted), 0, "$what: they are served";
    ok eventually(sub { join("\n", $api->stored) eq join("\n", in_redis()) }, 20), "$what: SQLite and Redis say the same";
    is join("\n", in_table()), join("\n", in_redis()), "$what: so does the registrar";
}

my $first = domains_of('a');
my @again = $api->put_all(16, 'one', 'p1', $first, sub { });
is scalar @again, 0, "$DOMAINS domains of 3 backends, each at the first try";
all_agree('at once', $first);

my $second = domains_of('b');
my ($kills, $next) = (0, $KILL_EVERY);
$api->put_all(16, 'one', 'p1', $second, sub {
    my ($count) = @_;
    return if $count < $next || $count == @$second;
    $next = $count + $KILL_EVERY;
    if ($kills++ % 2) {
        $api->stop('KILL');
        $api->start;
    } else {
        kill 'KILL', grep { $_ } $proxy->pids('registrar');    # 0 would be us all
    }
});
cmp_ok $kills, '>=', 4, "the registrar and the API were killed, $kills times in all";
all_agree('killed', $second);
all_agree('those of before', $first);
is $api->stop, 0, 'it ends when told to';
done_testing;
