# Three nodes as dynproxy-cluster(7) builds them, each in a network namespace
# of its own, on one wire: dynproxyd, Redis, a sentinel and keepalived, from the
# example files; and two hosts with identd, on which tools run.  Needs
# OwnNetwork.
package Cluster;
use v5.26;
use warnings;

use Certificates;
use DynProxy;
use File::Temp;
use JSON::PP;
use OwnNetwork ();
use RedisServer;
use Test::More;
use Time::HiRes qw(sleep time);

our $ADDRESS = '10.96.0.100';    # the floating one
my %NODES = (proxy1 => '10.96.0.11', proxy2 => '10.96.0.12', proxy3 => '10.96.0.13');
my %HOSTS = (exec1 => '10.96.0.21', exec2 => '10.96.0.22');
my %PASSWORDS = map { (uc($_) . '-PASSWORD' => "$_-secret") } qw(dynproxy replica sentinel operator);

sub new {
    my ($class, %want) = @_;    # conf: more settings of each node
    my $self = bless { dir => File::Temp->newdir, conf => $want{conf} // {}, typed => {} }, $class;
    chmod 0755, $self->{dir};
    $self->{page} = DynProxy::slurp("$DynProxy::ROOT/man/dynproxy-cluster.7");
    OwnNetwork::run(@$_) for [qw(ip link add br0 type bridge forward_delay 0 stp_state 0)], [qw(ip addr add 10.96.0.1/24 dev br0)],
        [qw(ip link set br0 up)];
    $self->{host}{$_} = OwnNetwork::host(name => $_, bridge => 'br0', theirs => { %NODES, %HOSTS }->{$_}) for sort(keys %NODES), sort keys %HOSTS;
    OwnNetwork::own_etc();
    OwnNetwork::append('/etc/hosts', join '', map { "$NODES{$_} $_\n" } sort keys %NODES);
    mkdir '/etc/dynproxy';
    system('install', '-D', '-m', '755', "$DynProxy::ROOT/conf/system/keepalived-track", '/etc/dynproxy/track') == 0 or die;
    $self->typed('proxy1', 'openssl rand 80 > /etc/dynproxy/ticket.keys');
    $self->typed('proxy1', 'chmod 600 /etc/dynproxy/ticket.keys');
    OwnNetwork::append('/etc/dynproxy/redis.password', "dynproxy-secret\n");
    $self->{ca} = Certificates->new("$self->{dir}/tls");
    $self->{ca}->pair('site', names => ["*.$DynProxy::DOMAIN"]);
    $self->start_identd($_) for sort keys %HOSTS;
    $self->start_redis($_)    for sort keys %NODES;
    $self->start_sentinel($_) for sort keys %NODES;
    DynProxy::eventually(sub { $self->is_whole }, 60) or die "the sentinels do not find each other\n";
    $self->start_node($_)       for sort keys %NODES;
    $self->start_keepalived($_) for sort keys %NODES;
    return $self;
}

sub names   { sort keys %NODES }
sub node    { $_[0]{node}{ $_[1] } }
sub host    { $_[0]{host}{ $_[1] } }
sub address { $NODES{ $_[1] } }

# A file of conf/, with other words in it.
sub example {
    my ($self, $name, %instead) = @_;
    my $text = DynProxy::slurp("$DynProxy::ROOT/conf/$name.conf.example");
    %instead = (%instead, %PASSWORDS);
    for (sort { length $b <=> length $a } keys %instead) {
        $text =~ s/\Q$_\E/$instead{$_}/g or $PASSWORDS{$_} or die "$name.conf.example has no \"$_\"\n";
    }
    return $text;
}

sub start_identd {
    my ($self, $name) = @_;
    my $conf = "$self->{dir}/oidentd.conf";
    OwnNetwork::append($conf, "default { default { deny spoof deny spoof_all deny random deny numeric deny hide deny forward } }\n") if !-e $conf;
    $self->host($name)->start(undef, qw(oidentd --foreground --nosyslog --user oident --group oident --config), $conf);
    DynProxy::eventually(sub { $self->host($name)->listens(113) }) or die "no identd on $name\n";
}

sub start_redis {
    my ($self, $name) = @_;
    return $self->{redis}{$name}->start if $self->{redis}{$name};
    $self->{redis}{$name} = RedisServer->new(
        address => $NODES{$name}, port => 6379, wrapper => [$self->host($name)->command(undef)], auth => ['operator', 'operator-secret'],
        conf => $self->example('redis', 'bind 192.0.2.11' => "bind $NODES{$name}", '/var/lib/redis' => "$self->{dir}",
            $name eq 'proxy1' ? () : ('#replicaof 192.0.2.11' => "replicaof $NODES{proxy1}")),
    );
}

sub start_sentinel {
    my ($self, $name) = @_;
    return $self->{sentinel}{$name}->start if $self->{sentinel}{$name};
    $self->{sentinel}{$name} = RedisServer->new(
        address => $NODES{$name}, port => 26379, wrapper => [$self->host($name)->command(undef)], program => 'redis-sentinel',
        conf => $self->example('sentinel', 'bind 192.0.2.11' => "bind $NODES{$name}", 'mymaster 192.0.2.11' => "mymaster $NODES{proxy1}", '/var/lib/redis' => "$self->{dir}"),
    );
}

sub is_whole {
    my ($self) = @_;
    for my $sentinel (values %{ $self->{sentinel} }) {
        return 0 if $sentinel->cli(qw(sentinel ckquorum mymaster)) !~ /^OK 3/;
        return 0 if (() = $sentinel->cli(qw(sentinel replicas mymaster)) =~ /^name$/mg) < 2;
    }
    my $primary = $self->primary or return 0;
    return $self->{redis}{$primary}->cli(qw(info replication)) =~ /connected_slaves:2/;
}

# On which node the primary is, as most sentinels say.
sub primary {
    my ($self) = @_;
    my %votes;
    $votes{ (split ' ', $_->cli(qw(sentinel get-master-addr-by-name mymaster)))[0] // '' }++ for values %{ $self->{sentinel} };
    return (grep { ($votes{ $NODES{$_} } // 0) >= 2 } keys %NODES)[0];
}

sub start_node {
    my ($self, $name) = @_;
    return $self->node($name)->start if $self->node($name);
    $self->{node}{$name} = DynProxy->new(
        workers => 2, address => $NODES{$name}, http_port => 80, reg_port => 8282, admin_port => 8081,
        wrapper => [$self->host($name)->command(undef)], expect => qr/redis-|sentinel-|slow|late/, patience => 60,
        conf => {
            http => '{ "0.0.0.0:80" }', https => '{ "0.0.0.0:443" }', https_redirect => '"off"', tls_directory => qq("$self->{dir}/tls"),
            registration => DynProxy::list('0.0.0.0:8282'), admin => DynProxy::list('0.0.0.0:8081'),
            redis_sentinels => DynProxy::list(map { "$_:26379" } sort values %NODES), redis_primary => 'mymaster', redis_user => 'dynproxy',
            redis_password => '"file:/etc/dynproxy/redis.password"', wait_replicas => 1, node_name => $name,
            tls_ticket_key_file => '/etc/dynproxy/ticket.keys', account_prefix => '"tools."', backend_networks => '{ "10.97.0.0/16" }',
            lease_grace => '20s', drain_timeout => '10s', %{ $self->{conf} },
        },
    );
    $self->typed($name, 'dynproxyd -t');
}

sub start_keepalived {
    my ($self, $name) = @_;
    my $conf = "$self->{dir}/keepalived-$name";
    if (!-e $conf) {
        OwnNetwork::append($conf, $self->example('keepalived', '/usr/lib/dynproxy/keepalived-track' => '/etc/dynproxy/track', '192.0.2.100' => $ADDRESS,
            'router_id proxy1' => "router_id $name", 'priority 110' => 'priority ' . (120 - substr($name, -1) * 10)));
    }
    $self->host($name)->start(undef, 'sh', '-c', 'log=$1; shift; exec keepalived "$@" >> "$log" 2>&1', 'sh', "$conf.log",
        '--dont-fork', '--log-console', '-f', $conf, map { ("--$_" => "$conf.$_") } qw(pid vrrp_pid checkers_pid));
}

# How often a node has taken the address so far: on a machine that is slow
# enough keepalived takes a node for dead that is not.
sub moves { my ($self) = @_; return scalar map { DynProxy::slurp("$self->{dir}/keepalived-$_.log") =~ /Entering MASTER STATE/g } $self->names }

# Which node has the floating address; '' while none, or more than one, has it.
sub holder {
    my ($self) = @_;
    my @holders = grep { $self->host($_)->output(undef, qw(ip -4 -o addr show dev eth0)) =~ m{ \Q$ADDRESS\E/} } $self->names;
    return @holders == 1 ? $holders[0] : '';
}

# Type a command on a node: it has to stand in dynproxy-cluster(7).
sub typed {
    my ($self, $name, $command) = @_;
    $self->{typed}{$command} = 1;
    my $state = $self->node($name) ? $self->node($name)->{dir} . '/state' : '/nonexistent';
    my $bin   = "$self->{dir}/bin-$name";
    if (!-d $bin && $self->node($name)) {
        mkdir $bin;
        for my $program (qw(dynproxyctl dynproxyd)) {
            OwnNetwork::append("$bin/$program", "#!/bin/sh\nexec $DynProxy::BUILD/$program -c " . $self->node($name)->conf_path . ' "$@"' . "\n");
            chmod 0755, "$bin/$program";
        }
    }
    (my $run = $command) =~ s{/var/lib/dynproxy}{$state};
    my ($status, $out, $err) = DynProxy::run_command($self->host($name)->command(undef, 'env', "PATH=$bin:$ENV{PATH}", 'sh', '-c', $run));
    $self->{said} = $out . $err;
    return $status;
}

# Commands of the page that were not typed.
sub untyped {
    my ($self) = @_;
    my @commands = grep { /^(?:dynproxy|openssl|chmod|rm|curl)/ } map { s/^\.Dl //r } split /\n/, $self->{page} =~ s/^\.Bd -literal.*?\n(redis_.*?)^\.Ed\n//msr;
    return grep { !$self->{typed}{$_} && !m{/etc/redis/} } @commands;
}

# Typed, and not of the page.
sub unwritten { my ($self) = @_; return grep { $self->{page} !~ /^(?:\.Dl )?\Q$_\E$/m } sort keys %{ $self->{typed} } }

sub told { my ($self, $name) = @_; my $r = $self->node($name)->admin('/readyz?verbose'); return $r && $r->body ? eval { decode_json($r->body) } // {} : {} }

# Have these nodes the same tables?
sub agree {
    my ($self, @names) = @_;
    my %sums = map { my $t = $self->told($_); (($t->{table}{checksum} // $_) . ' ' . ($t->{policy}{checksum} // '') => 1) } @names;
    return keys %sums == 1;
}

# The power of a node fails.
sub crash {
    my ($self, $name) = @_;
    $self->host($name)->crash;
    $self->node($name)->abandon;
    $_->kill_hard for $self->{redis}{$name}, $self->{sentinel}{$name};
    $self->host($name)->run(qw(ip addr flush dev eth0));
    $self->host($name)->run(qw(ip addr add), "$NODES{$name}/24", qw(dev eth0));
}

# It is back.
sub boot {
    my ($self, $name) = @_;
    $self->host($name)->plug;
    $self->start_redis($name);
    $self->start_sentinel($name);
    $self->start_node($name);
    $self->start_keepalived($name);
}

1;
