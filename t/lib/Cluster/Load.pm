# Requests to the floating address, each on a connection of its own, so many a
# second whatever becomes of the ones before; and what became of each.
package Cluster::Load;
use v5.26;
use warnings;

use IO::Poll qw(POLLIN POLLOUT POLLERR POLLHUP);
use IO::Socket::INET;
use POSIX ();
use Socket;
use Time::HiRes qw(sleep time);

my $PATIENCE = 15;    # seconds, of a client

# address, rate, hosts => [...]: names of tools that are to answer 200
sub new {
    my ($class, %want) = @_;
    my $self = bless { %want, file => File::Temp->new, owner => $$ }, $class;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        @SIG{qw(TERM INT HUP)} = ('DEFAULT') x 3;
        my $ended = 0;
        $SIG{USR1} = sub { $ended = 1 };
        $SIG{PIPE} = 'IGNORE';
        $self->run(\$ended);
        POSIX::_exit(0);
    }
    $self->{pid} = $pid;
    return $self;
}

# The child.
sub run {
    my ($self, $ended) = @_;
    open my $out, '>>', $self->{file}->filename or POSIX::_exit(1);
    my ($began, $n, %open) = (time, 0);
    my $poll = IO::Poll->new;
    my $note = sub {
        my ($socket, $what) = @_;
        my $request = delete $open{$socket};
        $poll->remove($socket);
        syswrite $out, sprintf "%.6f %.6f %s\n", $request->{began}, time, $what;
    };
    until ($$ended && !%open) {
        while (!$$ended && $n < (time - $began) * $self->{rate}) {
            my $socket = IO::Socket::INET->new(Proto => 'tcp', Blocking => 0) or last;
            my $host = $self->{hosts}[$n++ % @{ $self->{hosts} }];
            connect $socket, pack_sockaddr_in(80, inet_aton($self->{address}));
            $open{$socket} = { socket => $socket, began => time, in => '',
                out => "GET / HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n" };
            syswrite $out, sprintf "%.6f begun\n", $open{$socket}{began};
            $poll->mask($socket => POLLOUT);
        }
        $poll->poll(0.005);
        for my $request (values %open) {
            my $socket = $request->{socket};
            my $events = $poll->events($socket);
            if ($events & POLLOUT && $request->{out} ne '') {
                my $sent = syswrite $socket, $request->{out};
                if (!defined $sent) { $note->($socket, "connect: $!"); next }
                substr($request->{out}, 0, $sent) = '';
                $poll->mask($socket => POLLIN) if $request->{out} eq '';
            } elsif ($events & (POLLIN | POLLERR | POLLHUP)) {
                my $got = sysread $socket, $request->{in}, 65536, length $request->{in};
                if ($request->{in} =~ m{\AHTTP/1\.1 (\d+).*?\r\n\r\n\d+\z}s) { $note->($socket, $1) }
                elsif (!$got) { $note->($socket, $request->{in} =~ m{\AHTTP/1\.1 (\d+)} ? "$1 cut" : defined $got ? 'closed' : "$!") }
            } elsif (time - $request->{began} > $PATIENCE) {
                $note->($socket, 'no answer');
            }
        }
    }
}

# What became of the requests that began since then, and before another moment
# if one is named: number, how many of them are under way yet, what failed of
# them and why, the longest time without a success, the median in ms.
sub since {
    my ($self, $from, $until) = @_;
    my @lines = grep { $_->[0] >= $from && (!$until || $_->[0] < $until) } map { [split ' ', $_, 3] } split /\n/, DynProxy::slurp($self->{file}->filename);
    my $begun = grep { $_->[1] eq 'begun' } @lines;
    my @all = grep { $_->[1] ne 'begun' } @lines;
    my @good = sort { $a->[1] <=> $b->[1] } grep { $_->[2] eq '200' } @all;
    my ($gap, $last) = (0, $from);
    for (@good) {
        $gap  = $_->[1] - $last if $_->[1] - $last > $gap;
        $last = $_->[1];
    }
    my @took = sort { $a <=> $b } map { ($_->[1] - $_->[0]) * 1000 } @good;
    my %why;
    $why{ $_->[2] }++ for grep { $_->[2] ne '200' } @all;
    return { all => scalar @all, under_way => $begun - @all, failed => @all - @good, why => join(', ', map { "$why{$_} $_" } sort keys %why), gap => $gap, median => $took[@took / 2] // 0,
        p90 => $took[@took * 0.9] // 0 };
}

# The same of those that began between then and now, when each of them has ended.
sub outcome {
    my ($self, $from) = @_;
    my $until = time;
    DynProxy::eventually(sub { !$self->since($from, $until)->{under_way} }, 2 * $PATIENCE) or die "requests without an end\n";
    return $self->since($from, $until);
}

# No more are sent; those under way end.
sub finish {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 'USR1', $pid;
    waitpid $pid, 0;
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    return if $$ != $self->{owner} || !$self->{pid};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

1;
