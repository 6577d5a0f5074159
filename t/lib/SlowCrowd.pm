# Two thousand slow clients, a third of each kind, and normal load beside them.
package SlowCrowd;
use v5.26;
use warnings;

use Time::HiRes qw(sleep);

use DynProxy;

our $CLIENTS = 2000;
my $LOAD = 8;    # normal connections

my %path = (
    'slow-head' => '/',
    'slow-body' => '/discard',
    'slow-read' => '/bytes/1000000',
);

# A proxy with two tools: alpha for normal load, slow for the others.
sub new {
    my ($class) = @_;
    my $proxy = DynProxy->new(workers => 2, tools => ['alpha', 'slow'], conf => {
        request_head_timeout => '10s', body_timeout => '10s', send_timeout => '10s', tool_requests_max => 0,
    });
    my $self = bless { proxy => $proxy, backends => [] }, $class;
    for my $tool ('alpha', 'slow') {
        my $backend = $proxy->backend(text => "hello\n");
        push @{ $self->{backends} }, $backend;
        $proxy->register($tool, '.*', $backend->url) eq 'ok' or die "$tool is not registered\n";
    }
    return $self;
}

sub proxy { $_[0]{proxy} }

# Normal load for so long: what came of it, as t/client.c says.
sub load {
    my ($self, $seconds) = @_;
    my $load = $self->{proxy}->clients('load', 'alpha', $LOAD);
    sleep $seconds;
    return $load->finish;
}

sub begin {
    my ($self) = @_;
    my $left = $CLIENTS;
    my @modes = sort keys %path;
    while (my $mode = shift @modes) {
        my $n = int($left / (1 + @modes));
        $left -= $n;
        $self->{slow}{$mode} = $self->{proxy}->clients($mode, 'slow', $n, $path{$mode});
    }
}

# What came of them, by kind.
sub end {
    my ($self) = @_;
    return map { $_ => delete($self->{slow}{$_})->finish } sort keys %path;
}

1;
