# webservice(1) makes the objects of the original in Kubernetes, and removes
# them again.  The server here is a small one of ours (t/kube_api.py), which
# speaks the documented subset: it is not Kubernetes (5-webservice.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;
use JSON::PP;

my $site = File::Temp->newdir;
chmod 0755, $site;
mkdir "$site/$_" for qw(bin home home/.kube home/public_html home/www home/www/python home/www/python/src);
OwnNetwork::run('cp', "$DynProxy::BUILD/$_", "$site/bin") for qw(webservice webservice-runner);
OwnNetwork::add_user('tools.alpha', 52001, "$site/home");
OwnNetwork::append("$site/home/www/python/src/app.py", '');

my $port = 18443;
my $server = fork // die $!;
if (!$server) {
    open STDOUT, '>', "$site/did";
    exec 'python3', "$FindBin::Bin/kube_api.py", $port, 'secret' or exit 127;
}
END { kill 'KILL', $server if $server }
ok eventually(sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") }), 'the API server answers';

sub kubeconfig {
    my (%with) = (token => 'secret', @_);
    unlink "$site/home/.kube/config";
    OwnNetwork::append("$site/home/.kube/config", <<"YAML");
apiVersion: v1
kind: Config
current-context: toolforge
clusters: [{name: k8s, cluster: {server: "http://127.0.0.1:$port"}}]
contexts: [{name: toolforge, context: {cluster: k8s, namespace: tool-alpha, user: alpha}}]
users: [{name: alpha, user: {token: $with{token}}}]
YAML
    OwnNetwork::run('chown', '-R', '52001:52001', "$site/home");
}
kubeconfig();

my ($status, $out, $err);
sub webservice {
    ($status, $out, $err) = run_command('setpriv', '--reuid=52001', '--regid=52001', '--clear-groups', '--', 'env',
        "HOME=$site/home", "$site/bin/webservice", '--backend=kubernetes', @_);
    return $status;
}
sub object {
    my ($path) = @_;
    my (undef, $json) = run_command('curl', '-s', '-H', 'Authorization: Bearer secret', "http://127.0.0.1:$port/$path");
    return decode_json($json);
}

is webservice('--mem', '1Gi', '--cpu', '500m', '--replicas', 2, 'python3.11', 'start'), 0, 'start' or diag $err;
like $out, qr{^https://alpha\.toolforge\.org/$}m, 'the address';
my $manifest = DynProxy::slurp("$site/home/service.manifest");
like $manifest, qr/^$_$/m, "the manifest has $_"
    for 'backend: kubernetes', 'web: python3.11', 'mem: 1Gi', 'cpu: 500m', "replicas: '2'";

my $deployment = object('apis/apps/v1/namespaces/tool-alpha/deployments/alpha');
is $deployment->{spec}{replicas}, 2, 'replicas';
my $container = $deployment->{spec}{template}{spec}{containers}[0];
is $container->{image}, 'registry/python311-web:latest', 'the image of the type';
is_deeply $container->{command}, ['/usr/bin/webservice-runner', '--type', 'uwsgi-python', '--port', '8000'], 'the runner in it';
is_deeply $container->{resources}{limits}, { memory => '1Gi', cpu => '500m' }, 'limits';
my $labels = { 'app.kubernetes.io/component' => 'web', 'app.kubernetes.io/managed-by' => 'webservice', toolforge => 'tool', name => 'alpha' };
is_deeply $_->{metadata}{labels}, $labels, "labels of $_->{kind}"
    for $deployment, object('api/v1/namespaces/tool-alpha/services/alpha'),
    object('apis/networking.k8s.io/v1/namespaces/tool-alpha/ingresses/alpha-subdomain');
is object('apis/networking.k8s.io/v1/namespaces/tool-alpha/ingresses/alpha-subdomain')->{spec}{rules}[0]{host},
    'alpha.toolforge.org', 'the host of the ingress';

is webservice('status'), 0, 'status' or diag $err;
like $out, qr/of type python3\.11 is running on backend kubernetes/, 'it runs';
is webservice('logs'), 0, 'logs' or diag $err;
is $out, "the log of alpha-1\n", 'of its pod';
is webservice('start'), 1, 'not twice';
is webservice('restart'), 0, 'restart' or diag $err;
is webservice('stop'), 0, 'stop' or diag $err;
is scalar(@{ object("$_")->{items} }), 0, "no $_ are left"
    for map { "$_" } 'apis/apps/v1/namespaces/tool-alpha/deployments', 'api/v1/namespaces/tool-alpha/services',
    'api/v1/namespaces/tool-alpha/pods', 'apis/networking.k8s.io/v1/namespaces/tool-alpha/ingresses';

# what its Deployment had is deleted by the cluster, too, and may be gone first
is webservice('python3.11', 'start'), 0, 'start' or diag $err;
run_command('curl', '-s', '-X', 'POST', "http://127.0.0.1:$port/test/collect");
is webservice('stop'), 0, 'stop, while the cluster removes the pod' or diag $err;
unlike $err, qr/not found/, 'is nothing to be told of';

for (['a type that is not there', qr/no type "cobol" on Kubernetes\nits types are: php8\.2 python3\.11\n/, 'cobol', 'start'],
    ['a deprecated one',          qr/node12 is deprecated.*package\.json/s, 'node12', 'start'],
    ['a word in Latin-1',         qr/"caf." is not UTF-8/,                  'php8.2', 'start', '--', 'a', "caf\xe9"],
    ['a bad quantity',            qr/"lots" is no quantity: write/,         '--mem', 'lots', 'start']) {
    my ($what, $want, @words) = @$_;
    isnt webservice(@words), 0, "$what: refused";
    like $err, $want, "$what: says why";
}
kubeconfig(token => 'wrong');
is webservice('status'), 1, 'a wrong token';
like $err, qr/Kubernetes: Unauthorized \(401\)/, 'is told';
unlink "$site/home/.kube/config";
is webservice('start'), 1, 'no kubeconfig';
like $err, qr{/\.kube/config: No such file}, 'is told';
done_testing;
