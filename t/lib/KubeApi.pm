# A small API server (t/kube_api.py), and a kube2proxy that follows it; both
# are gone with the test.
#
#   my $kube = KubeApi->new($dir);
#   $kube->create('services', 'ns', { metadata => { name => 'alpha', ... } });
#   $kube->config;                      # a kubeconfig for it: "$dir/kubeconfig"
#   $kube->follow(@options);            # kube2proxy
package KubeApi;
use v5.26;
use warnings;

use DynProxy ();
use JSON::PP;

my %GROUP = (services => 'api/v1', endpointslices => 'apis/discovery.k8s.io/v1');

# tls  directory with server.crt, server.key, ca.crt: https, too, on tls_port
sub new {
    my ($class, $dir, %want) = @_;
    my $self = bless { dir => $dir, port => DynProxy::free_port(), tls_port => DynProxy::free_port(), owner => $$, pid => {}, %want }, $class;
    $self->start;
    return $self;
}

sub run {
    my ($self, $name, @command) = @_;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDOUT, '>>', "$self->{dir}/$name.log";
        open STDERR, '>>', "$self->{dir}/$name.log";
        exec @command or POSIX::_exit(127);
    }
    $self->{pid}{$name} = $pid;
}

sub end {
    my ($self, $name) = @_;
    my $pid = delete $self->{pid}{$name} or return;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

sub log { DynProxy::slurp("$_[0]{dir}/$_[1].log") }

# The API server, which has nothing yet.
sub start {
    my ($self) = @_;
    $self->end('server');
    $self->run('server', 'python3', "$DynProxy::ROOT/t/kube_api.py", $self->{port}, 'secret',
        $self->{tls} ? ($self->{tls_port}, map { "$self->{tls}/$_" } qw(server.crt server.key ca.crt)) : ());
    DynProxy::eventually(sub {
        2 == grep { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$_") } $self->{port}, $self->{tls} ? $self->{tls_port} : $self->{port};
    }) or die 'the API server does not answer: ' . $self->log('server');
}

# cluster, user  JSON of what differs
sub config {
    my ($self, %want) = @_;
    my $cluster = encode_json({ server => "http://127.0.0.1:$self->{port}", %{ $want{cluster} // {} } });
    my $user = encode_json($want{user} // { token => 'secret' });
    open my $fh, '>', "$self->{dir}/kubeconfig" or die $!;
    print $fh "current-context: c\nclusters: [{name: k, cluster: $cluster}]\n"
        . "contexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: $user}]\n";
    close $fh;
}

sub follow {
    my ($self, @options) = @_;
    $self->end('kube2proxy');
    $self->run('kube2proxy', "$DynProxy::BUILD/kube2proxy", '--kubeconfig', "$self->{dir}/kubeconfig", @options);
}

# Returns the answer.
sub ask {
    my ($self, $method, $path, $object) = @_;
    my $body = $object ? encode_json($object) : '';
    return DynProxy::converse(IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}"),
        "$method /$path HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer secret\r\n"
            . "Connection: close\r\nContent-Length: " . length($body) . "\r\n\r\n", $body);
}

# cut, bookmark, forget: what happens to watches.
sub happen { my ($self, $what) = @_; $self->ask('POST', "test/$what") }

sub path {
    my ($kind, $namespace, $name) = @_;
    return join '/', $GROUP{$kind}, 'namespaces', $namespace, $kind, $name // ();
}
sub create { my ($self, $kind, $namespace, $object) = @_; $self->ask('POST', path($kind, $namespace), $object) }
sub modify { my ($self, $kind, $namespace, $object) = @_; $self->ask('PUT', path($kind, $namespace, $object->{metadata}{name}), $object) }
sub remove { my ($self, $kind, $namespace, $name) = @_; $self->ask('DELETE', path($kind, $namespace, $name)) }

sub DESTROY { my ($self) = @_; local $?; return if $$ != $self->{owner}; $self->end($_) for keys %{ $self->{pid} } }

1;
