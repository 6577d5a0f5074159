# The services of Kubernetes that ask for a route have one, whatever happens
# to the watch, and what vanished meanwhile has none (kube2proxy(8)).  The
# server is a small one of ours (t/kube_api.py): it is not Kubernetes.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use KubeApi;
use RedisServer;
use Time::HiRes qw(time);

my $SERVICES = 200;
my $redis = RedisServer->new;
my $proxy = DynProxy->new(tools => ['grid'], conf => { redis => '"' . $redis->addr . '"' });
my $kube = KubeApi->new($proxy->{dir});
$kube->config;
my @control = ('--control', $proxy->socket_path('control'));
sub begin { $kube->follow('--redis', $redis->addr, @control) }

my %want;      # "tool pattern" => URL
sub service {
    my ($n, %with) = @_;
    my $label = $with{path};
    return { metadata => { name => "tool$n", namespace => "ns$n",
            labels => { ($with{plain} ? () : ('tools.wmflabs.org/webservice' => 'true')), defined $label ? ('toollabs-proxy-path' => $label) : () } },
        spec => { clusterIP => $with{ip} // "10.1.0.$n", ports => [ { port => 8000 } ] } };
}
sub wants {
    my ($n, %with) = @_;
    delete @want{ grep { /^tool$n / } keys %want };
    $want{ "tool$n " . (defined $with{path} ? "/$with{path}.*" : '.*') } = 'http://' . ($with{ip} // "10.1.0.$n") . ':8000' if !$with{gone};
}
sub create { $kube->create('services', "ns$_[0]", service(@_)); wants(@_) }
sub modify { $kube->modify('services', "ns$_[0]", service(@_)); wants(@_) }
sub remove { $kube->remove('services', "ns$_[0]", "tool$_[0]"); wants($_[0], gone => 1) }

sub table {
    my $listed = eval { $proxy->ctl_json('list') } // [];
    return join "\n", sort map { "$_->{tool} $_->{pattern} $_->{destination}" } grep { $_->{tool} =~ /^tool/ } @$listed;
}
sub own { join "\n", sort split /\n/, $redis->cli('smembers', 'k8s_services') }

# The table and the set in Redis, within 1 s on a machine that is not loaded.
sub right {
    my ($what) = @_;
    my $wanted = join "\n", sort map { "$_ $want{$_}" } keys %want;
    my $began = time;
    ok eventually(sub { table() eq $wanted }, 20), "$what: the table is right" or diag table();
    note sprintf '%s: %.2f s', $what, time - $began;
    my @ids = map { m{^tool(\d+) /?(.*)$}; "ns$1/tool$1/$2" } keys %want;
    ok eventually(sub { own() eq join "\n", sort @ids }), "$what: so are its own marks" or diag own();
}

is $proxy->register('grid', '.*', 'http://127.0.0.1:8000'), 'ok', "somebody else's route";
create($_) for 1 .. 20;
begin();
right('a list');
create($_, $_ % 3 ? () : (path => "p$_")) for 21 .. $SERVICES;
$kube->create('services', 'other', { %{ service(7, plain => 1) }, metadata => { name => 'plain', namespace => 'other' } });
right("$SERVICES services");
modify($_, path => "new$_") for 1 .. 10;
modify($_, ip => "10.2.0.$_") for 11 .. 20;
right('changed');
modify($_) for 3, 6, 21;
right('without a path again');
remove($_) for 1 .. 5, 100 .. 110;
right('vanished');

$kube->happen('cut');
create($_) for 1 .. 5;
right('a stream was cut');
$kube->happen('bookmark');
$kube->happen('cut');
remove(1);
right('a bookmark');
$kube->happen('forget');
create($_) for 100 .. 105;
right('410 Gone');

$kube->end('kube2proxy');
remove($_) for 2 .. 4, 120 .. 130;
create($_) for 106 .. 110;
modify($_, path => 'moved') for 50 .. 55;
begin();
right('while it was stopped');

my $registrar = $proxy->registrar_pid;
kill 'KILL', $registrar;
remove($_) for 60 .. 65;
create($_) for 2 .. 4;
right('while the registrar died');
$redis->kill_hard;
remove(70);
$redis->start;
right('while Redis was away');
# A server that ends each watch at once, with something in it, is not asked
# again and again without a rest.
$kube->happen('hasty');
$kube->happen('cut');
ok eventually(sub { $kube->log('kube2proxy') =~ /watch-waits services: ms=800\n/ }), 'watches that end at once are waited for';
create($_) for 60 .. 65;
right('watches that end at once');
%want = ();
$kube->start;
right('all vanished');
is scalar(grep { $_->{tool} eq 'grid' } @{ $proxy->ctl_json('list') }), 1, 'and nobody else lost a route';

# Without a registrar on the node: Redis, as the original.
$kube->end('kube2proxy');
@control = ();
begin();
create(1);
create(2, path => 'x');
ok eventually(sub { $redis->cli('hget', 'prefix:tool1', '.*') eq 'http://10.1.0.1:8000' && $redis->cli('hget', 'prefix:tool2', '/x.*') ne '' }), 'Redis';
right('by Redis alone');
remove(1);
remove(2);
right('by Redis alone, vanished');

# What another has written in the place of a route of ours may be any bytes.
create(3);
right('another');
$kube->end('kube2proxy');
$redis->cli('hset', 'prefix:tool3', '.*', "http://\xff");
remove(3);
begin();
ok eventually(sub { own() eq '' }), 'it is wanted no more';
is $redis->cli('hexists', 'prefix:tool3', '.*'), 0, 'and not there, whatever it was';
$kube->end('kube2proxy');
$proxy->{expect} = qr/redis-lost|redis-loss|child-died/;
done_testing;
