# A proxy that has many tools from the beginning, which all have one backend:
#
#   my $proxy = ManyTools::proxy(10_000, $backend_url, workers => 2);
#
# They are tool-00000 and so on.  Of one that is down, ManyTools::fill() makes
# such a one.
package ManyTools;
use v5.26;
use warnings;

use DynProxy ();

sub name { return sprintf 'tool-%05d', $_[0] }

# Into its SQLite, as many registrations take their time: routes to one backend,
# or each to its own.
sub fill {
    my ($proxy, $count, $url) = @_;
    my $to = $url ? "'$url'" : q{printf('http://127.%d.%d.%d:8000', i / 65536, i / 256 % 256, i % 256)};
    my ($status, undef, $err) = DynProxy::run_command('sqlite3', "$proxy->{dir}/state/routes.sqlite", <<~"SQL");
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $count - 1)
        INSERT INTO route (key, pattern, destination, origin, version, since_ms)
        SELECT printf('ttool-%05d', i), '.*', $to, 0, i + 1, 0 FROM n ORDER BY 1;
        SQL
    die $err if $status;
}

sub proxy {
    my ($count, $url, %want) = @_;
    my $proxy = DynProxy->new(%want);
    $proxy->stop;
    fill($proxy, $count, $url);
    $proxy->start;
    return $proxy;
}

# A request for each of these paths and methods to each of the tools, over few
# connections: their answers, as one text.
sub ask_all {
    my ($proxy, $tools, @requests) = @_;
    my $got = '';
    for my $request (@requests) {
        my ($method, $path) = split / /, $request;
        for (my $i = 0; $i < @$tools; $i += 50) {
            my @some = grep { defined } @$tools[$i .. $i + 49];
            my @heads = map { "$method $path HTTP/1.1\r\nHost: " . $proxy->host(name($_)) . "\r\nContent-Length: 0\r\n" } @some;
            $got .= $proxy->raw(join "\r\n", @heads[0 .. $#heads], "GET /.well-known/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        }
    }
    return $got;
}

1;
