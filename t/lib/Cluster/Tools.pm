# Tools that come and go on the hosts of a cluster, each a web server under
# webservice-runner, as a user of its own, with a lease at the floating address.
package Cluster::Tools;
use v5.26;
use warnings;

use DynProxy;
use OwnNetwork ();
use Time::HiRes qw(time);

my $SERVER = <<'PERL';
use IO::Select; use IO::Socket::INET;
my $l = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1) or die;
my ($s, %in) = (IO::Select->new($l));
while (1) {
    for my $c ($s->can_read) {
        if ($c == $l) { my $n = $l->accept; $s->add($n) if $n; next }
        if (!sysread $c, $in{$c}, 4096, length($in{$c} // '')) { delete $in{$c}; $s->remove($c); close $c; next }
        next if $in{$c} !~ /\r\n\r\n/;
        $in{$c} = '';
        syswrite $c, "HTTP/1.1 200 OK\r\nContent-Length: " . length($ENV{PORT}) . "\r\n\r\n$ENV{PORT}";
    }
}
PERL

# cluster, count; the first `steady` of them never die
sub new {
    my ($class, %want) = @_;
    my $self = bless { %want, port => 20000, died => 0 }, $class;
    OwnNetwork::add_user("tools.t$_", 53000 + $_) for 0 .. $want{count} - 1;
    $self->begin($_) for 0 .. $want{count} - 1;
    return $self;
}

sub host_of { my ($self, $n) = @_; return $self->{cluster}->host($n % 2 ? 'exec2' : 'exec1') }

sub begin {
    my ($self, $n) = @_;
    my $port = $self->{port}++;
    my $pid = $self->host_of($n)->start("tools.t$n", "$DynProxy::BUILD/webservice-runner", qw(--register-proxy --type generic --proxy),
        $Cluster::ADDRESS, '--port', $port, '--', 'perl', '-e', $SERVER);
    $self->{live}{$n} = { pid => $pid, url => 'http://' . $self->host_of($n)->address . ":$port" };
}

# One that lives dies, or one that died comes back; at most every 300 ms.
sub churn {
    my ($self) = @_;
    return if time < ($self->{next} // 0);
    $self->{next} = time + 0.3;
    my $n = $self->{steady} + int rand($self->{count} - $self->{steady});
    my $live = delete $self->{live}{$n};
    if ($live) { $self->host_of($n)->stop($live->{pid}); $self->{died}++ }
    else       { $self->begin($n) }
}

# All that died come back.
sub revive {
    my ($self) = @_;
    $self->begin($_) for grep { !$self->{live}{$_} } 0 .. $self->{count} - 1;
}

# Those that live and are not there, or elsewhere, by GET /list?full=1 of a
# node; no two have the same port, ever.
sub missing_on {
    my ($self, $name) = @_;
    my $response = $self->{cluster}->node($name)->admin('/list?full=1') or return "$name does not answer";
    my $list = $response->body;
    return grep { index($list, qq("destination":"$self->{live}{$_}{url}")) < 0 } sort keys %{ $self->{live} };
}

1;
