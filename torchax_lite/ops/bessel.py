"""Bessel functions of integer order, modified Bessel functions and the Airy function, elementwise.

Near the origin each is an entire function plus known logarithmic or polar terms; far out it is a modulus times a sine or
an exponential. The smooth parts are Chebyshev sums, interpolated at Chebyshev points with 45 digits. Phases are taken
from the sine and cosine of the argument itself, so that large arguments lose nothing by a subtraction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import jax.scipy.special as jsp

from .common import display_name, refuse
from .registry import FLOAT, op
from .samples import Samples, unary

_ROOT_HALF = math.sqrt(0.5)

# ---------------------------------------------------------------- Chebyshev coefficients, lowest first

_J0 = (
    0.15772797147489012, -0.00872344235285222129, 0.26517861320333681, -0.370094993872649779, 0.158067102332097261,
    -0.0348937694114088852, 0.0048191800694676045, -0.000460626166206275048, 0.0000324603288210050808,
    -1.76194690776215075e-6, 7.60816359241878187e-8, -2.6792535305576729e-9, 7.84869631447946442e-11,
    -1.94383468673701657e-12, 4.12532059563437393e-14, -7.58850812544754634e-16, 1.2218515873961411e-17,
)  # fmt: skip
_J1 = (
    0.0810448463256581151, -0.148975145067652109, 0.160999262357209703, -0.0826804917668179066,
    0.0222136396549660354, -0.00364694060076927596, 0.000405033772835482183, -0.0000325555486685725852,
    1.98587740499151674e-6, -9.52198475675043618e-8, 3.68713375909714824e-9, -1.17802662269588484e-10,
    3.16015458034800332e-12, -7.22175523965177343e-14, 1.42321440035139423e-15, -2.44419729161904639e-17,
    3.69126829979293326e-19,
)  # fmt: skip
_Y0 = (
    0.0364546980911604436, -0.278323709407582483, 0.296049999020714817, 0.0982550840818786406,
    -0.107551552806277835, 0.0317990740844145154, -0.00516139710581071495, 0.000549852532003901154,
    -0.0000419969831494201307, 2.4290361107923794e-6, -1.10499697934729561e-7, 4.06651736597911049e-9,
    -1.23741488982898525e-10, 3.16857255289459444e-12, -6.92695603243100108e-14, 1.3086308625876684e-15,
    -2.15862019869144832e-17, 3.13686318247993815e-19,
)  # fmt: skip
_Y1 = (
    0.0383007698524237788, -0.0818256141273282641, -0.0248677076121964005, 0.0479674527527469829,
    -0.0185258845108980222, 0.0036806076878235111, -0.000462725406029336872, 0.0000406940026958086987,
    -2.66176951252956262e-6, 1.3506026913254338e-7, -5.48352411033627658e-9, 1.82450868412290077e-10,
    -5.07066663659112913e-12, 1.1956162517587949e-13, -2.42316244271247323e-15, 4.26812651307296236e-17,
    -6.59606097872304124e-19,
)  # fmt: skip
_P0 = (
    0.999460349347518665, -0.000536522046813211742, 3.07518478751947462e-6, -5.1705945376060977e-8,
    1.63064646351513831e-9, -7.86409137723707e-11, 5.16826238734919246e-12, -4.30457886992539122e-13,
    4.32659574315494056e-14, -5.06903409593523608e-15, 6.7480722157338737e-16, -1.00115137234677858e-16,
    1.63059192337441847e-17, -2.8808661694828712e-18,
)  # fmt: skip
_Q0 = (
    -0.124446836842696073, 0.000547081595408931968, -5.93159872884851781e-6, 1.43779657983751934e-7,
    -5.81753274949305598e-9, 3.37609752373499076e-10, -2.5653979367973078e-11, 2.40491610028136505e-12,
    -2.6690625482579416e-13, 3.4041800321963689e-14, -4.87994410531204001e-15, 7.72970317624260539e-16,
    -1.3348852171502517e-16, 2.48659523893905155e-17, -4.95289262988651594e-18, 1.04731589737760972e-18,
    -2.33693017221142189e-19,
)  # fmt: skip
_P1 = (
    1.0009030408600137, 0.000898989833085940856, -3.98728430048890852e-6, 6.17763396064429853e-8,
    -1.87189074910630661e-9, 8.8168986595823389e-11, -5.7048636403956447e-12, 4.69919551523054238e-13,
    -4.68422378399048922e-14, 5.45267489604471717e-15, -7.22118084227401792e-16, 1.06676891143354125e-16,
    -1.7312313216116335e-17, 3.04929911976658723e-18,
)  # fmt: skip
_Q1 = (
    0.374222296556282602, -0.000770217883932566346, 7.3108922063643633e-6, -1.6767825107266738e-7,
    6.5833546621204433e-9, -3.74909095054155618e-10, 2.81217503597488647e-11, -2.61145253946231994e-12,
    2.87742126633322335e-13, -3.64900191606183776e-14, 5.20662636622670716e-15, -8.21531802545859429e-16,
    1.41410843902118333e-16, -2.62676158983852917e-17, 5.21926491967140824e-18, -1.10126171878795904e-18,
)  # fmt: skip
_K0 = (
    -0.267663696616951384, 0.344289899924628487, 0.0359799365153615016, 0.00126461541144692592,
    0.0000228621210311945179, 2.53479107902614946e-7, 1.90451637722020886e-9, 1.03496952576336246e-11,
    4.25981614279108258e-14, 1.3744654358807509e-16, 3.57089652850837359e-19,
)  # fmt: skip
_K1 = (
    0.762650113669473885, -0.353155960776544876, -0.122611180822657148, -0.00697572385963986435,
    -0.000173028895751305206, -2.43340614156596823e-6, -2.21338763073472586e-8, -1.41148839263352776e-10,
    -6.66690169419932901e-13, -2.42744985051936593e-15, -7.0238634793862876e-18,
)  # fmt: skip
_K0_FAR = (
    1.22015154103297773, -0.0314481013119645005, 0.00156988388573005337, -0.000128495495816278026,
    0.0000139498137188764994, -1.83175552271911948e-6, 2.76681363944501508e-7, -4.66048989768794767e-8,
    8.57403401741422609e-9, -1.69753450938906152e-9, 3.57739728140032845e-10, -7.95748924447739704e-11,
    1.85594911495492655e-11, -4.51459788337451918e-12, 1.14034058820734423e-12, -2.98009692314817835e-13,
    8.03289077506837437e-14, -2.22751332674629636e-14, 6.34007647627664597e-15, -1.84859337792090717e-15,
    5.51205599940433336e-16, -1.67823112575490064e-16, 5.21039177764355411e-17, -1.64758059398426328e-17,
    5.30043377117733577e-18, -1.73317120058210003e-18,
)  # fmt: skip
_K1_FAR = (
    1.36031309524222133, 0.103923736576817238, -0.00285781685962277939, 0.000195215518471351631,
    -0.0000193619797416608296, 2.40648494783721712e-6, -3.50196060308781254e-7, 5.74108412545004929e-8,
    -1.0345762465678097e-8, 2.01504975519703462e-9, -4.19035475934192558e-10, 9.21831518760531413e-11,
    -2.12996783842779102e-11, 5.13963967348234354e-12, -1.28917396094982294e-12, 3.34841966605224312e-13,
    -8.97670518201014607e-14, 2.47715442421959868e-14, -7.01983708921476885e-15, 2.03870316623986088e-15,
    -6.05704727064301782e-16, 1.83809357524304543e-16, -5.68946284919364837e-17, 1.79405104788635729e-17,
    -5.75674448207330245e-18, 1.87786519016232674e-18,
)  # fmt: skip
_AI = (
    0.0607852568507972646, 0.189960308817291225, -0.250924387032336011, -0.0951201401350305422,
    0.202363241983700768, -0.0641872830630524977, -0.0268147031860399641, 0.0240519042812738565,
    -0.00413259164974894983, -0.00201968179054942258, 0.00112507687506545585, -0.000116975387096766061,
    -0.0000712549925306068209, 0.000028167833107042442, -1.75947423896915616e-6, -1.45872015241687175e-6,
    4.38874795843603274e-7, -1.46270958661975066e-8, -1.9495992841846797e-8, 4.66055277416388398e-9,
    -5.1062451179042338e-11, -1.83433267087891972e-10, 3.58576420412789252e-11, 2.65824132747957269e-13,
    -1.28054475741980592e-12, 2.08858966045024075e-13, 4.8741837202287107e-15, -6.89508092788503504e-15,
    9.51965014570017066e-16, 3.59789914221450354e-17, -2.95027058337212553e-17, 3.48398944245941637e-18,
)  # fmt: skip
_AI_RIGHT = (
    0.984405304917155196, -0.0147927848501041987, 0.000732717746542671434, -0.0000612595423417824993,
    6.83476697557269029e-6, -9.23722973540398155e-7, 1.4362253404380519e-7, -2.48931942232209598e-8,
    4.7097934400543278e-9, -9.58386370811273208e-10, 2.07458554836775917e-10, -4.73726733219227696e-11,
    1.13360998082242348e-11, -2.82770678231935085e-12, 7.32071209512559757e-13, -1.95997939110897221e-13,
    5.41011625706839221e-14, -1.53564668022238356e-14, 4.47234039330002478e-15, -1.33380946747566825e-15,
    4.06658204645623099e-16, -1.26558322564528899e-16, 4.0151263340158711e-17, -1.29699721359609367e-17,
    4.26134990741239982e-18, -1.42267684229350711e-18,
)  # fmt: skip
_AI_P = (
    0.999370889074277834, -0.00062168365843741161, 7.18119377436864486e-6, -2.31626981350175815e-7,
    1.32162838885287557e-8, -1.09387361727581263e-9, 1.17946207379085343e-10, -1.55188419099298557e-11,
    2.38692741149246599e-12, -4.16552889201034997e-13, 8.0716781107414668e-14, -1.70875732111056695e-14,
    3.90294514854081473e-15, -9.52397678490706461e-16, 2.46328108857526029e-16, -6.70907746346485777e-17,
    1.91393968371870709e-17, -5.69308436211376933e-18, 1.75895281622295884e-18,
)  # fmt: skip
_AI_Q = (
    0.0688217055630800092, -0.000608915184083269396, 0.0000131741510140899723, -6.0140719129082979e-7,
    4.32753734229849928e-8, -4.24773173295472548e-9, 5.23228537683449369e-10, -7.67229097511502385e-11,
    1.29238094526987113e-11, -2.43852975710828996e-12, 5.05904723787208425e-13, -1.1378513792256328e-13,
    2.7441377308322257e-14, -7.03448211263257949e-15, 1.90321143671989157e-15, -5.40304054140930735e-16,
    1.60167110265852326e-16, -4.93752744035280551e-17, 1.57734357977811311e-17, -5.2061295818384195e-18,
    1.77067879473994614e-18, -6.19166962078198448e-19, 2.22149321820832926e-19, -8.16352202613311954e-20,
)  # fmt: skip


def _chebyshev(t: Any, coefficients: Sequence[float]) -> Any:
    """``sum of c_k T_k(t)`` for t in [-1, 1], by Clenshaw's recurrence; short for float32."""
    kept = list(coefficients)
    floor = 0.1 * float(jnp.finfo(t.dtype).eps) * max(abs(c) for c in kept)
    while len(kept) > 1 and abs(kept[-1]) < floor:
        kept.pop()
    b1 = b2 = jnp.zeros_like(t)
    for c in reversed(kept[1:]):
        b1, b2 = 2 * t * b1 - b2 + c, b1
    return t * b1 - b2 + kept[0]


# ---------------------------------------------------------------- first and second kind

_NEAR = 8.0
"""Up to here the power-like forms hold."""


def _near(x: Any) -> Any:
    """Chebyshev variable of the near forms: x**2 in [0, 64] mapped to [-1, 1]."""
    size = jnp.minimum(x, _NEAR)
    return size * size / (0.5 * _NEAR * _NEAR) - 1


def _far(x: Any, order: int) -> tuple[Any, Any]:
    """``sqrt(2 / (pi x)) (P cos - Q sin)`` and ``(P sin + Q cos)`` of ``x - (order / 2 + 1 / 4) pi`` for x > 8."""
    x = jnp.maximum(x, _NEAR)
    z = _NEAR / x
    t = 2 * z * z - 1
    p, q = ((_P0, _Q0), (_P1, _Q1))[order]
    p, q = _chebyshev(t, p), _chebyshev(t, q) / x
    s, c = jnp.sin(x), jnp.cos(x)
    cosine, sine = ((c + s) * _ROOT_HALF, (s - c) * _ROOT_HALF) if order == 0 else (
        (s - c) * _ROOT_HALF, -(s + c) * _ROOT_HALF
    )  # fmt: skip
    scale = jnp.sqrt((2 / math.pi) / x)
    return scale * (p * cosine - q * sine), scale * (p * sine + q * cosine)


def _j0(x: Any) -> Any:
    x = jnp.abs(x)
    return jnp.where(x <= _NEAR, _chebyshev(_near(x), _J0), _far(x, 0)[0])


def _j1(x: Any) -> Any:
    size = jnp.abs(x)
    return jnp.where(size <= _NEAR, _chebyshev(_near(size), _J1) * x, jnp.sign(x) * _far(size, 1)[0])


def _y0(x: Any) -> Any:
    safe = jnp.where(x > 0, x, 1)
    near = _chebyshev(_near(safe), _Y0) + (2 / math.pi) * jnp.log(safe * 0.5) * _j0(safe)
    return _second_kind(x, jnp.where(x <= _NEAR, near, _far(safe, 0)[1]))


def _y1(x: Any) -> Any:
    safe = jnp.where(x > 0, x, 1)
    near = _chebyshev(_near(safe), _Y1) * safe + (2 / math.pi) * (jnp.log(safe * 0.5) * _j1(safe) - 1 / safe)
    return _second_kind(x, jnp.where(x <= _NEAR, near, _far(safe, 1)[1]))


def _second_kind(x: Any, value: Any) -> Any:
    """``value`` for x > 0, -inf at 0, NaN elsewhere."""
    return jnp.where(x > 0, value, jnp.where(x == 0, -jnp.inf, jnp.nan))


# ---------------------------------------------------------------- modified


def _k_near(x: Any) -> Any:
    """Chebyshev variable of the near forms: x**2 in [0, 4] mapped to [-1, 1]."""
    size = jnp.minimum(x, 2)
    return size * size * 0.5 - 1


def _k(x: Any, order: int, scaled: bool) -> Any:
    """K0 or K1, times ``exp(x)`` where ``scaled``; an infinity at 0, NaN below."""
    safe = jnp.where(x > 0, x, 1)
    little = jnp.minimum(safe, 2)
    half = jnp.log(little * 0.5)
    if order == 0:
        near = _chebyshev(_k_near(safe), _K0) - half * jsp.i0(little)
    else:
        near = _chebyshev(_k_near(safe), _K1) / little + half * jsp.i1(little)
    large = jnp.maximum(safe, 2)
    far = _chebyshev(4 / large - 1, (_K0_FAR, _K1_FAR)[order]) / jnp.sqrt(large)
    if scaled:
        near = near * jnp.exp(little)
    else:
        far = far * jnp.exp(-large)
    value = jnp.where(x <= 2, near, far)
    return jnp.where(x > 0, value, jnp.where(x == 0, jnp.inf, jnp.nan))


# ---------------------------------------------------------------- Airy


def _airy(x: Any) -> Any:
    """Ai: a Chebyshev sum on [-4, 2], an exponential above, an oscillation below."""
    middle = _chebyshev((jnp.clip(x, -4, 2) + 1) / 3, _AI)
    up = jnp.maximum(x, 2)
    zeta = (2 / 3) * up * jnp.sqrt(up)
    right = _chebyshev((8 / 3 * math.sqrt(2)) / zeta - 1, _AI_RIGHT)
    right = right * jnp.exp(-zeta) / (2 * math.sqrt(math.pi) * jnp.sqrt(jnp.sqrt(up)))
    down = jnp.maximum(-x, 4)
    zeta = (2 / 3) * down * jnp.sqrt(down)
    t = 2 * (16 / 3 / zeta) ** 2 - 1
    p, q = _chebyshev(t, _AI_P), _chebyshev(t, _AI_Q) / zeta
    s, c = jnp.sin(zeta), jnp.cos(zeta)
    left = (p * (c + s) + q * (s - c)) * _ROOT_HALF / (math.sqrt(math.pi) * jnp.sqrt(jnp.sqrt(down)))
    value = jnp.where(x > 2, right, jnp.where(x < -4, left, middle))
    return jnp.where(jnp.isfinite(x), value, jnp.nan)


# ---------------------------------------------------------------- declarations


def _declare(name: str, value: Callable[[Any], Any], doc: str, samples: Samples) -> None:
    @refuse("c")
    @op(
        f"{name}(Tensor self) -> Tensor", promote=FLOAT, opmath=False, pointwise=True, method=False,
        namespaces=("special",), differentiable=False, samples=samples,
    )  # fmt: skip
    def body(self):
        if jnp.finfo(self.dtype).bits < 32:
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{display_name(self.dtype)}'")
        return value(self)

    body.__doc__ = doc


for _name, _value, _doc, _samples in (
    ("airy_ai", _airy, "Airy function Ai.", unary(-8.0, 4.0)),
    ("bessel_j0", _j0, "Bessel function of the first kind, order 0.", unary(-12.0, 12.0)),
    ("bessel_j1", _j1, "Bessel function of the first kind, order 1.", unary(-12.0, 12.0)),
    ("bessel_y0", _y0, "Bessel function of the second kind, order 0; -inf at 0, NaN below.", unary(0.1, 12.0)),
    ("bessel_y1", _y1, "Bessel function of the second kind, order 1; -inf at 0, NaN below.", unary(0.1, 12.0)),
    ("modified_bessel_i0", jsp.i0, "Modified Bessel function of the first kind, order 0.", unary()),
    ("modified_bessel_i1", jsp.i1, "Modified Bessel function of the first kind, order 1.", unary()),
    (
        "modified_bessel_k0",
        lambda x: _k(x, 0, False),
        "Modified Bessel function of the second kind, order 0.",
        unary(0.1, 4.0),
    ),
    (
        "modified_bessel_k1",
        lambda x: _k(x, 1, False),
        "Modified Bessel function of the second kind, order 1.",
        unary(0.1, 4.0),
    ),
    (
        "scaled_modified_bessel_k0",
        lambda x: _k(x, 0, True),
        "``exp(x)`` times ``modified_bessel_k0``.",
        unary(0.1, 4.0),
    ),
    (
        "scaled_modified_bessel_k1",
        lambda x: _k(x, 1, True),
        "``exp(x)`` times ``modified_bessel_k1``.",
        unary(0.1, 4.0),
    ),
):
    _declare(_name, _value, _doc, _samples)
