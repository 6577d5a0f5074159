# A Redis primary, two replicas and three sentinels, the real ones; where they
# are may be said, as for RedisServer, for each of three places.
package RedisCluster;
use v5.26;
use warnings;

use DynProxy ();
use RedisServer;

my $NAME = 'dynproxy';

sub new {
    my ($class, @places) = @_;
    @places = ([], [], []) if !@places;
    my $first = RedisServer->new(@{ $places[0] }, options => [qw(--replica-priority 1)]);    # the best, when it is one
    my $self = bless { servers => [$first, map { RedisServer->new(@$_, replicaof => $first) } @places[1, 2]] }, $class;
    $self->{sentinels} = [map { RedisCluster::Sentinel->new(@$_, watches => $first) } @places];
    DynProxy::eventually(sub { $self->is_whole }, 30) or die "the sentinels do not find each other\n";
    return $self;
}

# For dynproxy.conf; which sentinel is to be asked first.
sub conf {
    my ($self, $first) = @_;
    my @sentinels = @{ $self->{sentinels} };
    push @sentinels, splice @sentinels, 0, $first // 0;
    return (
        redis_sentinels => DynProxy::list(map { $_->addr } @sentinels),
        redis_primary   => $NAME,
    );
}

sub is_whole {
    my ($self) = @_;
    for my $sentinel (@{ $self->{sentinels} }) {
        return 0 if $sentinel->cli('sentinel', 'ckquorum', $NAME) !~ /^OK 3/;
        return 0 if (() = $sentinel->cli('sentinel', 'replicas', $NAME) =~ /^name$/mg) < 2;
    }
    my $primary = $self->primary or return 0;
    return $primary->cli('info', 'replication') =~ /connected_slaves:2/;
}

# The one in the first place is the primary, as in the beginning: on a machine
# that is slow the sentinels may have taken it for dead meanwhile.
sub first_leads {
    my ($self) = @_;
    return DynProxy::eventually(sub {
        my $primary = $self->primary or return 0;
        return $self->is_whole if $primary == $self->{servers}[0];
        $self->{sentinels}[0]->cli('sentinel', 'failover', $NAME);
        return 0;
    }, 60);
}

# The server that most sentinels take for the primary; nothing, if they do not
# agree.
sub primary {
    my ($self) = @_;
    my %votes;
    $votes{ (split ' ', $_->cli('sentinel', 'get-master-addr-by-name', $NAME))[1] // 0 }++ for @{ $self->{sentinels} };
    my ($port) = grep { $votes{$_} >= 2 } keys %votes;
    my ($server) = grep { $_->{port} == ($port // 0) } @{ $self->{servers} };
    return $server;
}

package RedisCluster::Sentinel;
our @ISA = ('RedisServer');

sub start {
    my ($self) = @_;
    my $primary = delete $self->{watches};
    my $conf    = "$self->{dir}/conf";
    if ($primary) {
        open my $fh, '>', $conf or die "$conf: $!";
        print $fh <<~"CONF";
            port $self->{port}
            bind $self->{address}
            protected-mode no
            dir $self->{dir}
            sentinel monitor $NAME $primary->{address} $primary->{port} 2
            sentinel down-after-milliseconds $NAME 1000
            sentinel failover-timeout $NAME 5000
            CONF
        close $fh or die "$conf: $!";
    }
    $self->run('redis-sentinel', $conf);
}

1;
