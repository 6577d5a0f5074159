# A little of everything, and each answer looked at: one that is no success says
# why, in its head and in the access log, whatever breaks meanwhile.
#
#   my $mixed = Mixed->new($proxy, $backend);    # alpha and beta are registered
#   $mixed->work;                                # some requests, a registration
#   $mixed->look_at($file);                      # of JSON lines
#   $mixed->judge;
package Mixed;
use v5.26;
use warnings;

use Test::More;

sub new {
    my ($class, $proxy, $backend) = @_;
    return bless { proxy => $proxy, backend => $backend, asked => 0, lines => 0, unexplained => {}, silent => {} }, $class;
}

sub request_all {
    my ($self) = @_;
    my $proxy = $self->{proxy};
    for my $ask (
        sub { $proxy->get('alpha', '/') },
        sub { $proxy->get('beta', '/bytes/20000') },
        sub { $proxy->request('POST', 'alpha', '/echo', body => 'x' x 5000) },
        sub { $proxy->get('nobody', '/') },
        sub { $proxy->get('alpha', '/close/5000') },
    ) {
        my $answer = eval { $ask->() } // next;    # it was cut: the log says so
        $self->{asked}++;
        $self->{unexplained}{ $answer->status }++
            if $answer->status && $answer->status !~ /^2/ && !$answer->header('x-dynproxy-error');
    }
}

sub work {
    my ($self) = @_;
    $self->request_all;
    eval { $self->{proxy}->register('gamma', '/g', $self->{backend}->url); $self->{proxy}->unregister('gamma', '/g') };
}

# Lines of the access log: each that is no success has a backend or a reason.
sub look_at {
    my ($self, $file) = @_;
    open my $fh, '<', $file or return;
    while (<$fh>) {
        my ($status, $origin, $reason) = /"status":(\d+),"origin":"(\w+)","reason":("[^"]*"|null)/ or next;    # cut by a kill
        $self->{lines}++;
        $self->{silent}{$status}++ if $status !~ /^[123]/ && $origin ne 'backend' && $reason eq 'null';
    }
}

sub said {
    my ($counts) = @_;
    return join ' ', map { "$_: $counts->{$_}" } sort keys %$counts;
}

# At the end, when all is mended.
sub judge {
    my ($self) = @_;
    my ($proxy, $backend) = @$self{qw(proxy backend)};
    ok DynProxy::eventually(sub { eval { $proxy->get('alpha', '/')->status == 200 } }, 30), 'after all of it requests are served';
    ok DynProxy::eventually(sub { eval { $proxy->register('gamma', '.*', $backend->url) eq 'ok' } }, 30), 'and registrations taken';
    ok DynProxy::eventually(sub { $proxy->get('gamma', '/')->status == 200 }, 30), 'and published';
}

# When the last lines have been read.
sub judge_answers {
    my ($self) = @_;
    is said($self->{unexplained}), '', 'each answer that is no success says why';
    is said($self->{silent}), '', 'so does its line in the log';
    cmp_ok $self->{lines}, '>', 100, "$self->{lines} lines have been read";
}

1;
