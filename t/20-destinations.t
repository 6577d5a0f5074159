# No spelling of a destination leads to where no tool may go: each is refused
# with a line that says why, leaves nothing behind and hinders nobody
# (1-registration.md 1.2, 7-security.md 7.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;

# A tool comes over a Unix socket; there is one address where its servers are.
my $proxy = DynProxy->new(tools => [qw(alpha beta)], conf => { backend_networks => '{ "127.0.0.1/32", "10.64.0.0/24" }' });
my $backend = $proxy->backend;

my %rows = (
    'has to begin with http' => ['', 'http', 'http:/127.0.0.1:8000', 'http:127.0.0.1:8000', '//127.0.0.1:8000', '127.0.0.1:8000', ' http://127.0.0.1:8000',
        'HTTP://127.0.0.1:8000', 'ftp://127.0.0.1:8000', 'gopher://127.0.0.1:8000', 'file:///etc/passwd', 'unix:/run/docker.sock', 'ws://127.0.0.1:8000',
        'httpss://127.0.0.1:8000', 'javascript:alert(1)', '\\\\127.0.0.1:8000'],
    'has to be an IP address' => ['http://', 'http://:8000', 'http:///127.0.0.1:8000', 'http://localhost:8000', 'http://LOCALHOST:8000', 'http://localhost.:8000',
        'http://metadata.google.internal:8000', 'http://127.0.0.1.nip.io:8000', 'http://127.1:8000', 'http://127.0.1:8000', 'http://0:8000', 'http://2130706433:8000',
        'http://0x7f000001:8000', 'http://0x7f.0.0.1:8000', 'http://0177.0.0.1:8000', 'http://127.0.0.01:8000', 'http://127.000.000.001:8000', 'http://256.0.0.1:8000',
        'http://383.0.0.1:8000', 'http://127.0.0.1.:8000', 'http://127.0.0.1.1:8000', 'http:// 127.0.0.1:8000', 'http://127.0.0.1 :8000', 'http://a@127.0.0.1:8000',
        'http://a:b@127.0.0.1:8000', 'http://10.0.0.1@127.0.0.1:8000', 'http://127.0.0.1%40127.0.0.1:8000', 'http://127%2e0%2e0%2e1:8000', 'http://%31%32%37.0.0.1:8000',
        'http://127.0.0.1#:8000', 'http://127.0.0.1\\:8000', "http://127\xe3\x80\x820.0.1:8000", "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1:8000",
        'http://2001:db8::9:8000', 'http://[2001:db8::9:8000', 'http://2001:db8::9]:8000', 'http://[2001:db8::9%eth0]:8000', 'http://[fe80::1%25eth0]:8000', 'http://[]:8000',
        'http://[v1.fe80::a]:8000', 'http://[[::1]]:8000'],
    'needs a port of 1024 to 65535' => ['http://127.0.0.1', 'http://127.0.0.1/', 'http://127.0.0.1:', 'http://127.0.0.1:/', 'http://127.0.0.1:0', 'http://127.0.0.1:65536',
        'http://127.0.0.1:73536', 'http://127.0.0.1:4294975296', 'http://127.0.0.1:99999999999999999999999', 'http://127.0.0.1:-1', 'http://127.0.0.1:+8000',
        'http://127.0.0.1:08000', 'http://127.0.0.1: 8000', 'http://127.0.0.1:0x1f40', 'http://127.0.0.1:http', 'http://127.0.0.1::8000', 'http://[2001:db8::9]8000'],
    'port is below 1024' => [map { "http://127.0.0.1:$_" } 22, 25, 80, 443, 1023],
    'ends after its port' => [map { "http://127.0.0.1:8000$_" } ' ', 'x', '//', '/a', '/../', '?', '#', '\\', ':22', '.5', '@10.0.0.1:8000', ',http://10.0.0.1:8000'],
    'other services' => [map { "http://10.64.0.9:$_" } 2379, 3306, 5432, 6379, 8081, 8282, 9090, 9200, 10250, 11211, 26379, 27017],
    '0.0.0.0 and :: are no' => ['http://0.0.0.0:8000', 'http://0.1.2.3:8000', 'http://[::]:8000'],
    'a loopback address' => ['http://127.0.0.2:8000', 'http://127.255.255.254:8000', 'http://[::1]:8000', 'http://[0:0:0:0:0:0:0:1]:8000'],
    'a link-local address' => ['http://169.254.170.2:8000', 'http://[fe80::1]:8000', 'http://[febf::1]:8000'],
    'a metadata service' => ['http://169.254.169.254:8000', 'http://100.100.100.200:8000', 'http://168.63.129.16:8000', 'http://[fd00:ec2::254]:8000', 'http://[fd20:ce::254]:8000'],
    'a multicast address' => ['http://224.0.0.1:8000', 'http://239.255.255.250:8000', 'http://[ff02::1]:8000'],
    'a reserved address' => ['http://192.0.0.192:8000', 'http://240.0.0.1:8000', 'http://255.255.255.255:8000', 'http://[100::1]:8000', 'http://[fec0::1]:8000'],
    'write an IPv4 address as IPv4' => ['http://[127.0.0.1]:8000', map { "http://[$_]:8000" } '::ffff:127.0.0.1', '::FFFF:7f00:1', '::ffff:169.254.169.254', '::ffff:0:127.0.0.1',
        '::127.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b:1::7f00:1', '2002:7f00:1::', '2001::7f00:1'],
    'is not the address you come from' => ['http://8.8.8.8:8000', 'http://10.64.1.0:8000', 'http://172.16.1.9:8000', 'http://[2001:db8::1]:8000', 'http://[fd12::5]:8000'],
    'the proxy itself listens' => ["http://127.0.0.1:$proxy->{http_port}"],
);
cmp_ok scalar(map { @$_ } values %rows), '>=', 80, scalar(map { @$_ } values %rows) . ' destinations';

is $proxy->register('alpha', '.*', $backend->url), 'ok', 'one as it should be';
my $registrar = $proxy->registrar_pid;
my $before    = memory_kb($registrar);
for my $why (sort keys %rows) {
    like $proxy->register('alpha', '.*', $_), qr/^fail: [^\n]*\Q$why\E[^\n]*\z/, "<$_>" =~ s/[^ -~]/?/gr for $rows{$why}->@*;
    is $proxy->register('beta', '.*', $backend->url), 'ok', '  another tool registers';
}
cmp_ok memory_kb($registrar) - $before, '<', 16384, 'all of that takes no memory';
is $proxy->registrar_pid, $registrar, 'it is the same registrar';
is_deeply [map { $_->{destination} } @{ $proxy->ctl_json('list') }], [($backend->url) x 2], 'there is what was right, and nothing else';
is $proxy->get($_, '/')->status, 200, "$_ is served" for qw(alpha beta);

done_testing;
