# dynproxy-import reads a running original, and with what it prints dynproxyd
# serves what the original served, from the same Redis; nothing that stands there
# becomes a setting that was not meant.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use RedisServer;

my $redis = RedisServer->new;
my @port = map { DynProxy::free_port() } 1, 2;
my @backend;
for my $port (@port) {
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec qw(python3 -m http.server --bind 127.0.0.1 --directory), "$FindBin::Bin/lib", $port or POSIX::_exit(127);
    }
    push @backend, $pid;
}
END { local $?; kill 'TERM', @backend if @backend; waitpid $_, 0 for @backend }

# as proxylistener.py and the domain proxy's API leave it
$redis->cli('hset', 'prefix:alpha', '.*', "http://127.0.0.1:$port[0]");
$redis->cli('hset', 'prefix:beta', '.*', "http://127.0.0.1:$port[1]", '/api/.*', "http://127.0.0.1:$port[0]/");
$redis->cli('set', 'redirect:beta', '');
$redis->cli('sadd', 'frontend:www.example.net', "http://127.0.0.1:$port[0]");
# and what will not do
$redis->cli('hset', 'prefix:gamma', '.*', 'http://exec1.example.test:34567');
$redis->cli('hset', 'prefix:delta', '.*', "http://10.0.0.1:80\nworkers = 99");
$redis->cli('hset', "prefix:Bad\nworkers = 98", '.*', 'http://10.0.0.1:8000');
$redis->cli('set', 'prefix:text', 'no hash');
$redis->cli('hset', "prefix:many$_", '.*', "http://10.1.0.1:$_") for 3001 .. 3050;

my $dir = File::Temp->newdir;
sub import_of {
    my ($yaml, @more) = @_;
    open my $fh, '>', "$dir/hiera.yaml" or die $!;
    print $fh $yaml;
    close $fh;
    return run_command("$DynProxy::BUILD/dynproxy-import", @more, "$dir/hiera.yaml");
}

my ($status, $out, $err) = import_of(<<'YAML', '--redis', $redis->addr);
profile::toolforge::web_domain: example.test
profile::toolforge::proxies: [proxy-1, proxy-2]
profile::toolforge::active_proxy_host: "proxy-1\nworkers = 97"
profile::toolforge::k8s::apiserver_fqdn: k8s.example.test
profile::toolforge::k8s::ingress_port: 30003
profile::toolforge::proxy::rate_limit_requests: 250
profile::toolforge::proxy::something_new: 1
dynamicproxy::xff_fqdns: [beta, 'a"b', '${HOME}']
dynamicproxy::banned_ips:
  - 192.0.2.7
  - 198.51.100.0/24
  - not; a network
dynamicproxy::blocked_user_agent_regex: "TweetmemeBot|Bad.*Bot"
something::else: 1
YAML
is $status, 0, 'it reads both' or diag $err;
my %line = map { $_ => 1 } split /\n/, $out;
ok $line{$_}, $_ for 'web_domain = "example.test"', 'rate_limit = 250', 'rate_burst = 250',
    'default_backend = "http://k8s.example.test:30003"', 'client_address_for = {"beta", "a\"b", "\${HOME}"}',
    '# run: dynproxyctl ban 192.0.2.7', '# run: dynproxyctl ban 198.51.100.0/24', '# banned_ips: this is no network: not; a network',
    "# run: dynproxyctl block agent '(?i)TweetmemeBot|Bad.*Bot'",
    '# profile::toolforge::proxy::something_new: dynproxy.conf(5) has nothing like it',
    'redis = "' . $redis->addr . '"', 'backend_networks = {"127.0.0.0/8", "::1/128"}',
    '# not taken: prefix:gamma http://exec1.example.test:34567: its host is no IP address',
    '# not taken: prefix:text: it is no hash',
    '# tools=54 routes=53 canonical=1 frontends=1 refused=4';
unlike $out, qr/^(?!#).*workers/m, 'nobody sets what is not theirs';
unlike $out, qr/something::else/, 'what is not the proxy\'s is left alone';

# with these settings, and the ports of this test
my %conf = $out =~ /^(\w+) = (.*)$/mg;
delete @conf{qw(default_backend client_address_for)};    # the test has neither
my $proxy = DynProxy->new(conf => \%conf);
ok eventually(sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$_") }), "a backend listens on port $_" for @port;
ok eventually(sub { $proxy->get('alpha', '/DynProxy.pm')->status == 200 }), 'a tool is served';
ok eventually(sub { $proxy->get('beta', '/RedisServer.pm')->status == 200 }), 'and a canonical one';
ok eventually(sub { $proxy->raw("GET /DynProxy.pm HTTP/1.1\r\nHost: www.example.net\r\nConnection: close\r\n\r\n") =~ /\AHTTP\S+ 200/ }), 'and a frontend';
unlike $proxy->log, qr/ route-damaged|\bworkers=9\d/, 'its log is as ever';

is +(import_of("- a\n- list\n"))[0], 1, 'a file that is no list of keys is an error';
is +(run_command("$DynProxy::BUILD/dynproxy-import", '--redis', '127.0.0.1:' . DynProxy::free_port()))[0], 1, 'so is a Redis that is not there';
is +(run_command("$DynProxy::BUILD/dynproxy-import"))[0], 2, 'and nothing to read';
done_testing;
