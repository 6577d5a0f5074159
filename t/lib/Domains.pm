# A dynproxy-domains for one test, beside a DynProxy; gone with the test.
#
#   my $api = Domains->new($proxy, zones => [...], tokens => { secret => [user, project, role] });
#   my ($status, $answer) = $api->ask('PUT', '/v1/p/mapping', 'secret', { domain => ..., backends => [...] });
package Domains;
use v5.26;
use warnings;

use DynProxy ();
use Digest::SHA qw(sha256_hex);
use IO::Select;
use JSON::PP;

# options   array: further options
# tokens    undef: none (then options name Keystone)
sub new {
    my ($class, $proxy, %want) = @_;
    my $self = bless { options => [], %want, dir => $proxy->{dir}, proxy => $proxy, owner => $$,
        port => DynProxy::free_port() }, $class;
    $self->write('zones.json', $want{zones});
    $self->write_tokens if $want{tokens};
    $self->start;
    return $self;
}

sub path { "$_[0]{dir}/$_[1]" }

sub write {
    my ($self, $name, $value) = @_;
    my $path = $self->path($name);
    open my $fh, '>', "$path.new" or die $!;
    print $fh encode_json($value);
    close $fh;
    rename "$path.new", $path;
}

sub write_tokens {
    my ($self) = @_;
    my $tokens = $self->{tokens};
    $self->write('tokens.json', [ map { my ($user, $project, $role) = @{ $tokens->{$_} };
        { sha256 => sha256_hex($_), user => $user, project => $project, role => $role } } sort keys %$tokens ]);
}

sub command {
    my ($self) = @_;
    return ("$DynProxy::BUILD/dynproxy-domains", '--listen', "127.0.0.1:$self->{port}", '--database', $self->path('data.db'),
        '--zones', $self->path('zones.json'), '--control', $self->{proxy}->socket_path('control'),
        $self->{tokens} ? ('--tokens', $self->path('tokens.json')) : (), @{ $self->{options} });
}

sub start {
    my ($self) = @_;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDERR, '>>', $self->path('domains.log');
        exec $self->command or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    DynProxy::eventually(sub { ($self->ask('GET', '/v1/openapi.json'))[0] == 200 }) or die "it does not answer:\n" . $self->log;
}

sub log { DynProxy::slurp($_[0]->path('domains.log')) }

# By curl(1): status, decoded body, and the head.  body: a value, or a text.
sub ask {
    my ($self, $method, $path, $token, $body, @options) = @_;
    my @command = ('curl', '-sS', '-i', '--path-as-is', '--noproxy', '*', '--max-time', 20, $method eq 'HEAD' ? '-I' : ('-X', $method));
    push @command, '-H', "Authorization: Bearer $token" if defined $token;
    push @command, '-H', 'Content-Type: application/json', '--data-binary', ref $body ? encode_json($body) : $body if defined $body;
    my (undef, $out) = DynProxy::run_command(@command, @options, "http://127.0.0.1:$self->{port}$path");
    my ($head, $text) = $out =~ /\A(?:HTTP\S+ 100.*?\r\n\r\n)?(.*?\r\n)\r\n(.*)\z/s or return (0, undef, '');
    return ($head =~ /^HTTP\S+ (\d+)/, scalar eval { decode_json($text) }, $head);
}

# Many PUTs by many clients at once, each with a connection that it keeps; what
# was not answered 200 is tried again, for as long as it takes.  Calls done()
# now and then with how many were; returns those that took more than one try.
sub put_all {
    my ($self, $clients, $token, $project, $mappings, $done) = @_;
    my (@pids, @readers);
    for my $client (0 .. $clients - 1) {
        pipe my $reader, my $writer or die $!;
        my $pid = fork // die $!;
        if (!$pid) {
            close $reader;
            $writer->autoflush(1);
            my $socket;
            for my $i (grep { $_ % $clients == $client } 0 .. $#$mappings) {
                my $tries = 0;
                $tries++ until $self->put_once(\$socket, $token, $project, $mappings->[$i]) || $tries > 2000;
                syswrite $writer, "$i $tries\n";
            }
            POSIX::_exit(0);
        }
        close $writer;
        push @pids, $pid;
        push @readers, $reader;
    }
    my ($count, @again) = (0);
    my $select = IO::Select->new(@readers);
    while ($select->count) {
        for my $reader ($select->can_read(0.1)) {
            my $n = sysread $reader, my $lines, 65536;
            $select->remove($reader) if !$n;
            $count += () = $lines =~ /\n/g;
            push @again, $1 while $lines =~ /^(\d+) [1-9]/mg;
        }
        $done->($count);
    }
    waitpid $_, 0 for @pids;
    return @again;
}

# One PUT.  True: it was answered 200.
sub put_once {
    my ($self, $socket, $token, $project, $mapping) = @_;
    my $body = encode_json($mapping);
    local $SIG{PIPE} = 'IGNORE';
    $$socket //= IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}") or do { select undef, undef, undef, 0.02; return 0 };
    syswrite $$socket, "PUT /v1/$project/mapping HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer $token\r\n"
        . "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    my $answer = '';
    while ($answer !~ /^Content-Length: (\d+)\r\n(?:.+\r\n)*\r\n/m || length($answer) < $+[0] + $1) {
        next if sysread $$socket, $answer, 65536, length $answer;
        undef $$socket;
        return 0;
    }
    return $answer =~ /^HTTP\S+ 200/;
}

# All domains that the SQLite file has, as "domain url url".
sub stored {
    my ($self) = @_;
    my (undef, $out) = DynProxy::run_command('sqlite3', '-cmd', '.timeout 5000', $self->path('data.db'),
        'select domain, url from route join backend on route.id = route_id order by 1, 2');
    my %urls;
    push @{ $urls{$1} }, $2 while $out =~ /^(.*?)\|(.*)$/mg;
    return map { join ' ', $_, @{ $urls{$_} } } sort keys %urls;
}

sub stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} or return;
    kill $signal // 'TERM', $pid;
    waitpid $pid, 0;
    return $?;
}

sub DESTROY { my ($self) = @_; local $?; $self->stop('KILL') if $$ == $self->{owner} }

1;
