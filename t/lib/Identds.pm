# identds that say what a test wants, and who registers from their hosts.
#
#   my $identds = Identds->new(
#       on   => ['127.0.0.2', ...],                 all addresses, if not given
#       says => sub { my ($host, $pair, $to) = @_; ... },
#   );
#   DynProxy->new(conf => { ident_port => $identds->port, ... });
#   $proxy ... Identds::from($proxy, '127.0.0.2', 'register', '.*', $url)
#
# Whoever asks has a process of his own, which calls `says` with the host that
# was asked, the pair of ports as it was asked for, and the connection, on which
# it may do as it likes; text that it returns is sent, and then it is closed.
package Identds;
use v5.26;
use warnings;

use DynProxy ();
use IO::Select;
use IO::Socket::INET;
use POSIX ();

sub new {
    my ($class, %want) = @_;
    my $self = bless { port => DynProxy::free_port(), owner => $$ }, $class;
    my @listening = map {
        IO::Socket::INET->new(LocalAddr => $_, LocalPort => $self->{port}, Proto => 'tcp', Listen => 256, ReuseAddr => 1)
            // die "$_:$self->{port}: $!";
    } @{ $want{on} // ['0.0.0.0'] };
    $self->{group} = fork // die "fork: $!";
    if (!$self->{group}) {
        setpgrp;
        @SIG{qw(INT TERM CHLD PIPE)} = qw(DEFAULT DEFAULT IGNORE IGNORE);
        serve($want{says}, @listening);
    }
    return $self;
}

sub port { $_[0]{port} }

# Does not return.
sub serve {
    my ($says, @listening) = @_;
    my $select = IO::Select->new(@listening);
    for (;;) {
        for my $ready ($select->can_read) {
            my $asker = $ready->accept or next;
            my $pid = fork // next;
            next if $pid;
            my $pair = <$asker> // '';
            $pair =~ s/\s+$//;
            my $text = $says->($asker->sockhost, $pair, $asker);
            syswrite $asker, $text if defined $text;
            POSIX::_exit(0);
        }
    }
}

# A connection to 8282 from an address, on which these lines have been said.
sub from {
    my ($proxy, $host, @lines) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $proxy->{reg_port}, LocalAddr => $host, Proto => 'tcp') or die "from $host: $!";
    print $socket map { "$_\n" } @lines;
    $socket->flush;
    return $socket;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner} || !$self->{group};
    local $?;
    kill 'KILL', -$self->{group};
    waitpid $self->{group}, 0;
}

1;
