# 100,000 requests of many fates at once, over HTTP/1, TLS and HTTP/2: as many
# responses in the metrics as lines in the access log as whoever asked has
# counted (4-operations.md 4.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;

my $BURST = 25_000;    # requests of one client that are not too many
my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha down gone)], tls => ["*.$DynProxy::DOMAIN"],
    conf => {
        access_log       => qq("$scratch/access.log"),
        https_redirect   => 'off',
        redirects        => '{ "from.example.test to.example.test" }',
        trusted_proxies  => '{ "127.0.0.0/8" }',
        rate_limit       => 1,
        rate_burst       => $BURST,
        response_timeout => '1s',
    });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
is $proxy->register('down',  '.*', 'http://127.0.0.1:' . free_port()), 'ok', 'one that does not answer';
is $proxy->register('gone',  '.*', $backend->url), 'ok', 'one that will be gone';
is $proxy->unregister('gone', '.*'), 'ok', 'and is';

# By class of status, and all of them.
sub metrics {
    my ($text, %n) = ($proxy->admin('/metrics')->body);
    while ($text =~ /^dynproxy_http_requests_total\{.*code="(\w+)".*\} (\d+)$/mg) {
        $n{$1} += $2;
        $n{all} += $2;
    }
    $n{dropped} += $1 while $text =~ /^dynproxy_log_dropped_lines_total\S* (\d+)$/mg;
    return \%n;
}
my $lines = 0;
sub lines { my (undef, $n) = run_command('wc', '-l', "$scratch/access.log"); return $n =~ /^(\d+)/ ? $1 : -1 }

# --- who asks: a row a load.  Its client's address is its own.
my ($http, $https) = ("http://%s:$proxy->{http_port}%s", "https://%s:$proxy->{https_port}%s");
my @h1   = qw(--h1 -c 16);
my @h2   = qw(-c 8 -m 16);
my @loads = (
    # times, client, options, form, tool, paths
    [24_000, '10.0.0.1', \@h1, $http,  'alpha', '/', '/bytes/3000', '/chunked/3000'],
    [24_000, '10.0.0.2', \@h2, $https, 'alpha', '/', '/bytes/3000', '/chunked/3000'],
    [10_000, '10.0.0.3', \@h1, $https, 'alpha', '/'],
    [30_000, '10.0.0.4', \@h1, $http,  'alpha', '/'],                  # 5,000 too many
    [ 4_000, '10.0.0.5', \@h1, $http,  'nobody', '/', '/a?b'],
    [ 4_000, '10.0.0.6', \@h2, $https, 'nobody', '/', '/.well-known/healthz'],
    [ 2_000, '10.0.0.7', \@h1, $http,  'from', '/', '/b?c'],
    [ 1_000, '10.0.0.8', \@h2, $https, 'down', '/'],
    [ 1_000, '10.0.0.9', \@h1, $http,  'gone', '/'],
    [   200, '10.0.1.0', \@h2, $https, 'alpha', '/nonsense'],
    [    16, '10.0.1.1', \@h1, $http,  'alpha', '/slow/5000'],
);

sub begin {
    my ($n, $client, $options, $form, $tool, @paths) = @_;
    my $out = File::Temp->new;
    my $uris = File::Temp->new;
    print $uris sprintf("$form\n", $proxy->host($tool), $_) for @paths;
    close $uris;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>&', $out;
        open STDERR, '>&', $out;
        exec 'h2load', @$options, '-n', $n, '-H', "X-Forwarded-For: $client", '-i', "$uris",
            '--connect-to=127.0.0.1:' . ($form eq $http ? $proxy->{http_port} : $proxy->{https_port}) or POSIX::_exit(127);
    }
    return { pid => $pid, out => $out, uris => $uris, n => $n, what => "$tool $paths[0] $client" };
}

my $before = metrics();
my %counted;
my @running = map { begin(@$_) } @loads;
# answers that are cut are answers, too
$counted{ int($_->status / 100) . 'xx' }++ for map { $proxy->get('alpha', '/cut/5000', headers => { 'X-Forwarded-For' => '10.0.2.0' }) } 1 .. 50;
for my $load (@running) {
    waitpid $load->{pid}, 0;
    my $said = DynProxy::slurp("$load->{out}");
    my ($codes) = $said =~ /^status codes: (.*)/m;
    my $sum = 0;
    while (($codes // '') =~ /(\d+) (\dxx)/g) { $counted{$2} += $1; $sum += $1 }
    is $sum, $load->{n}, "$load->{n} answers: $load->{what}" or diag $said;
}

# --- and what we say
my $after;
my ($sum) = map { my $n = 0; $n += $_ for values %counted; $n } 1;
ok eventually(sub { $after = metrics(); $after->{all} - $before->{all} >= $sum && lines() + $after->{dropped} >= $after->{all} }), 'all is written';
cmp_ok $sum, '>=', 100_000, "$sum requests";
is $after->{$_} - ($before->{$_} // 0), $counted{$_}, "$_: $counted{$_} in the metrics" for sort keys %counted;
is $after->{all} - $before->{all}, $sum, 'no other responses';
is lines() + $after->{dropped}, $after->{all}, "as many lines in the access log; $after->{dropped} were dropped, and counted";
cmp_ok $counted{$_}, '>', 1000, "$_ were among them" for qw(2xx 3xx 4xx 5xx);
done_testing;
