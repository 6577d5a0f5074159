# dynproxyctl list tells of each tool how it is and when it had its last
# request, and so do /list?full=1 and dynproxyctl tool (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;
use POSIX qw(strftime);

my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta down)]);
my $backend = $proxy->backend;
is $proxy->register($_, '.*', $backend->url), 'ok', $_ for qw(alpha beta);
is $proxy->register('down', '.*', 'http://127.0.0.1:' . free_port()), 'ok', 'one whose server is not there';

sub now { strftime('%FT%TZ', gmtime) }
sub told { return { map { $_->{tool} => $_ } @{ $proxy->ctl_json('list') } } }
sub full { return decode_json($proxy->admin('/list?full=1')->body) }
sub health { my ($of) = @_; return join ' ', map { $of->{$_}{health} } qw(alpha beta down) }

my $first = told();
is health($first), 'quiet quiet quiet', 'nobody has asked';
is_deeply [map { $_->{hit} } values %$first], [(undef) x 3], 'for any of them';

my $began = now();
is $proxy->get('alpha', '/')->status, 200, 'a request';
$proxy->get('down', '/') for 1 .. 3;
ok eventually(sub { health(told()) eq 'good quiet down' }, 30), 'one is well, one not asked, one down' or diag health(told());
my $hit = told()->{alpha}{hit};
cmp_ok $hit, 'ge', $began, 'when it was asked';
cmp_ok $hit, 'le', now(), '  it is told';
is told()->{beta}{hit}, undef, 'who was not asked has no such time';

ok eventually(sub { $proxy->get('alpha', '/'), told()->{alpha}{hit} gt $hit }, 30), 'it moves with the requests';
is $proxy->ctl('maintenance', 'on', 'beta'), 0, 'maintenance';
is told()->{beta}{health}, 'maintenance', 'is told as that';

sub use_of { my ($of) = @_; return join ' ', map { $_, $of->{$_}{health}, $of->{$_}{hit} // 'never' } sort keys %$of }
ok eventually(sub { use_of(told()) eq use_of(full()) }, 30), '/list?full=1 has the same' or diag use_of(told()), "\n", use_of(full());
is $proxy->ctl('--no-headers', '--columns', 'tool,health', 'list', 'alpha'), 0, 'for people';
is $proxy->out, "alpha  good\n", '  too';
$proxy->ctl('tool', 'alpha');
like $proxy->out, qr/^last request 20\S+Z$/m, 'dynproxyctl tool';
$proxy->ctl('tool', 'beta');
unlike $proxy->out, qr/last request/, 'says nothing where there was none';
is $proxy->ctl_json('tool', 'alpha')->{routes}[0]{canonical}, JSON::PP::false, 'its routes are those of list';
done_testing;
