# Endpoint slices are several backends of a route, those that are ready
# (kube2proxy(8)), by a server that shows the right certificate to a client
# that shows who it is.  The server is a small one of ours: not Kubernetes.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Certificates;
use KubeApi;
use RedisServer;
use JSON::PP;

my $redis = RedisServer->new;
my $proxy = DynProxy->new(conf => { redis => '"' . $redis->addr . '"' });
my $dir = $proxy->{dir};
my ($ca, $stranger) = map { Certificates->new("$dir/$_") } qw(pairs others);
$ca->make('server', names => ['kubernetes.test', 'localhost'], signed_by => 'ca');
$_->make('client', subject => '/CN=kube2proxy', names => ['kube2proxy'], usage => 'clientAuth', signed_by => 'ca') for $ca, $stranger;
my $kube = KubeApi->new($dir, tls => $ca->{dir});
my %cluster = (server => "https://localhost:$kube->{tls_port}", 'certificate-authority' => $ca->file);

sub begin { $kube->follow('--redis', $redis->addr, '--control', $proxy->socket_path('control'), '--endpoint-slices') }
sub service {
    my ($name, $namespace, @ports) = @_;
    return { metadata => { name => $name, namespace => $namespace, labels => { 'tools.wmflabs.org/webservice' => 'true' } },
        spec => { clusterIP => 'None', ports => \@ports } };
}
sub slice {
    my ($name, $service, $ports, @endpoints) = @_;
    return { metadata => { name => $name, namespace => 'n', labels => { 'kubernetes.io/service-name' => $service } },
        addressType => 'IPv4', ports => $ports, endpoints => \@endpoints };
}
sub ready { { addresses => [ $_[0] ], conditions => { ready => JSON::PP::true } } }
sub unready { { addresses => [ $_[0] ], conditions => { ready => JSON::PP::false, serving => JSON::PP::true, terminating => JSON::PP::true } } }

sub table {
    my ($tool) = @_;
    return join ' ', sort map { $_->{destination} } grep { $_->{tool} eq $tool } @{ $proxy->ctl_json('list') // [] };
}
sub right {
    my ($what, $wanted, $tool) = @_;
    $wanted =~ s{(\S+)}{http://$1}g;
    ok eventually(sub { table($tool // 'alpha') eq $wanted }, 20), $what or diag table($tool // 'alpha'), $kube->log('kube2proxy');
}

# Who is who.
$kube->create('services', 'n', service('alpha', 'n', { name => 'metrics', port => 9 }, { name => 'http', port => 80 }));
$kube->create('endpointslices', 'n', slice('alpha-1', 'alpha', [ { name => 'metrics', port => 9 }, { name => 'http', port => 8000 } ],
    ready('10.0.0.1'), unready('10.0.0.2'), { addresses => [ '10.0.0.3', '10.9.9.9' ] }));
my @refused = (
    [ 'another authority', { cluster => { %cluster, 'certificate-authority' => $stranger->file } }, qr/certificate/ ],
    [ 'another name', { cluster => { %cluster, server => "https://127.0.0.1:$kube->{tls_port}" } }, qr/subject name|certificate/ ],
    [ 'a wrong token', { cluster => \%cluster, user => { token => 'wrong' } }, qr/Unauthorized/ ],
    [ 'nothing to show', { cluster => \%cluster, user => {} }, qr/Unauthorized/ ],
    [ "another authority's certificate", { cluster => \%cluster,
        user => { map { ("client-$_->[0]" => "$stranger->{dir}/client.$_->[1]") } ['certificate', 'crt'], ['key', 'key'] } }, qr/./ ],
);
for my $case (@refused) {
    my ($what, $config, $says) = @$case;
    unlink "$dir/kube2proxy.log";
    $kube->config(%$config);
    begin();
    ok eventually(sub { $kube->log('kube2proxy') =~ /list-failed services: .*$says/ }), "$what: nothing is read" or diag $kube->log('kube2proxy');
}
is table('alpha'), '', 'and there is no route';
$kube->config(cluster => \%cluster);
begin();
right('the right authority and token: those that are ready, by the port of that name', '10.0.0.1:8000 10.0.0.3:8000');
$kube->end('kube2proxy');
$kube->config(cluster => \%cluster, user => { 'client-certificate' => "$ca->{dir}/client.crt", 'client-key' => "$ca->{dir}/client.key" });
$kube->modify('endpointslices', 'n', slice('alpha-1', 'alpha', [ { name => 'http', port => 8000 } ], ready('10.0.0.1')));
begin();
right('a certificate instead of a token; what changed meanwhile', '10.0.0.1:8000');

# What becomes of them.
$kube->create('endpointslices', 'n', slice('alpha-2', 'alpha', [ { name => 'http', port => 8001 } ], ready('10.0.0.5'), ready('fd00::1')));
right('a second slice, with a port of its own', '10.0.0.1:8000 10.0.0.5:8001 [fd00::1]:8001');
$kube->modify('endpointslices', 'n', slice('alpha-1', 'alpha', [ { name => 'http', port => 8000 } ], unready('10.0.0.1')));
right('one is not ready any more', '10.0.0.5:8001 [fd00::1]:8001');
$kube->happen('cut');
$kube->modify('endpointslices', 'n', slice('alpha-1', 'alpha', [ { name => 'http', port => 8000 } ], ready('10.0.0.1'), ready('10.0.0.4'), ready('10.0.0.4')));
right('a stream was cut', '10.0.0.1:8000 10.0.0.4:8000 10.0.0.5:8001 [fd00::1]:8001');
$kube->happen('forget');
$kube->remove('endpointslices', 'n', 'alpha-2');
right('410 Gone, and a slice', '10.0.0.1:8000 10.0.0.4:8000');
$kube->modify('services', 'n', service('alpha', 'n', { name => 'http', port => 80 }, { name => 'other', port => 81 }));
right('the service names another port, which nobody has', '');
ok eventually(sub { $redis->cli('scard', 'k8s_services') eq 0 }), 'without a backend it has no mark';    # that goes last
$kube->modify('services', 'n', service('alpha', 'n', { port => 80 }));
$kube->modify('endpointslices', 'n', slice('alpha-1', 'alpha', [ { name => '', port => 7000 } ], map { ready("10.0.1.$_") } 1 .. 20));
right('a port without a name; 16 at most, the first', join ' ', (sort map { "10.0.1.$_:7000" } 1 .. 20)[0 .. 15]);
is $redis->cli('smembers', 'k8s_services'), 'n/alpha/.*', 'its mark';

# Whose they are.
$kube->create('endpointslices', 'n', slice('beta-1', 'beta', [ { name => 'http', port => 1 } ], ready('10.0.0.6')));
$kube->create('endpointslices', 'n', { metadata => { name => 'nobody', namespace => 'n' }, endpoints => [ ready('10.0.0.7') ], ports => [ { name => 'http', port => 1 } ] });
$kube->create('endpointslices', 'n', slice('bad', 'gamma', [ { name => 'http', port => 99999 }, { name => 'http' }, 7 ], { addresses => [5] }, 'x', ready('a name')));
$kube->create('services', 'm', service('beta', 'm', { name => 'http', port => 80 }));
$kube->create('services', 'n', service('gamma', 'n', { name => 'http', port => 80 }));
$kube->create('services', 'n', service('delta', 'n', { name => 'http', port => 80 }));
$kube->create('endpointslices', 'n', slice('delta-1', 'delta', [ { name => 'http', port => 1 } ], ready('10.0.0.8')));
right('a service that comes before its slice', '10.0.0.8:1', 'delta');
is table('beta') . table('gamma'), '', "another namespace's slice, and nonsense, are nobody's backends";
$kube->remove('services', 'n', $_) for 'alpha', 'delta';
right('the services are gone', '');
right('both', '', 'delta');
$kube->end('kube2proxy');

my ($status, undef, $error) = DynProxy::run_command("$DynProxy::BUILD/kube2proxy", '--endpoint-slices');
is $status, 2, 'Redis alone has one backend a route';
like $error, qr/--control/, 'which it says';
done_testing;
