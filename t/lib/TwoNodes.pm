# Two nodes, a and b, that register a hundred routes a second between them, and
# what was acknowledged of it.
package TwoNodes;
use v5.26;
use warnings;

use DynProxy;
use Test::More;
use Time::HiRes qw(sleep time);

my $RATE    = 100;
my $TOOLS   = 20;     # of each node
my $LONGEST = 120;    # seconds: an election takes some

# node => [what DynProxy->new takes]
sub new {
    my ($class, %want) = @_;
    my $self = bless { said => 0, refused => 0, acknowledged => {} }, $class;
    for my $name (sort keys %want) {
        $self->{nodes}{$name} = DynProxy->new(
            tools  => [map { "$name$_" } 0 .. $TOOLS - 1],
            expect => qr/redis-lost|redis-loss|redis-held/,
            @{ $want{$name} },
        );
    }
    for my $name ($self->names) {
        ok eventually(sub { my $r = $self->redis_of($name); $r->{connected} && $r->{synced} }), "node $name found the primary";
    }
    return $self;
}

sub names { sort keys %{ $_[0]{nodes} } }

sub redis_of { $_[0]{nodes}{$_[1]}->redis_status }

# One after the other, each on the other node, until it is done; or it is too
# late for what is waited for, and what comes next says so.
sub register_until {
    my ($self, $done) = @_;
    my ($began, $n) = (time, 0);
    until ($done->() || time - $began > $LONGEST) {
        my $said  = $self->{said}++;
        my $name  = $said % 2 ? 'a' : 'b';
        my $tool  = $name . int($said / 2) % $TOOLS;
        my $route = '/' . int($said / 2 / $TOOLS) % 30 . '/.*';
        my $url   = 'http://127.0.0.1:' . (40000 + $said % 20000);    # free_port gives none of these
        my $reply = $self->{nodes}{$name}->register($tool, $route, $url);
        if   ($reply eq 'ok') { $self->{acknowledged}{"$tool $route"} = $url }
        else                  { $self->{refused}++; diag $reply }
        my $ahead = ++$n / $RATE - (time - $began);
        sleep $ahead if $ahead > 0;
    }
}

sub register_for { my ($self, $seconds) = @_; my $until = time + $seconds; $self->register_until(sub { time > $until }) }

sub missing_on {
    my ($self, $name) = @_;
    my %there = map { ("$_->{tool} $_->{pattern}" => $_->{destination}) } @{ $self->{nodes}{$name}->ctl_json('list') // [] };
    return grep { ($there{$_} // '') ne $self->{acknowledged}{$_} } sort keys %{ $self->{acknowledged} };
}

# One test for each node.
sub all_are_there {
    my ($self, $when) = @_;
    for my $name ($self->names) {
        my @missing;
        eventually(sub { !(@missing = $self->missing_on($name)) }, 10);
        is scalar(@missing), 0, "$when: node $name has every acknowledged route within 10 s"
            or diag join "\n", map { "$_ $self->{acknowledged}{$_}" } @missing[0 .. ($#missing > 4 ? 4 : $#missing)];
    }
}

# Has that server what was acknowledged, as the original reads it?
sub is_in {
    my ($self, $redis) = @_;
    my %tools = map { (/^(\S+)/ ? $1 : '') => 1 } keys %{ $self->{acknowledged} };
    my $n = 0;
    $n += $redis->cli('hlen', "prefix:$_") || 0 for keys %tools;
    return $n == keys %{ $self->{acknowledged} };
}

1;
