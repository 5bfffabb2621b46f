"""The login service that teams copy today, in its best form: FastAPI on uvicorn with uvloop and httptools, SQLAlchemy's asyncio on asyncpg,
bcrypt at cost 12 in threads, a JWT in an httpOnly cookie, and a refresh token that is stored as a hash and rotated.

  uvicorn main:app --workers 2 --loop uvloop --http httptools     DATABASE_URL, SECRET_KEY
"""

import asyncio
import hashlib
import os
import secrets
import time
from contextlib import asynccontextmanager
from datetime import datetime

import bcrypt
import jwt
from fastapi import Cookie, Depends, FastAPI, HTTPException, Response
from fastapi.responses import ORJSONResponse
from pydantic import BaseModel
from sqlalchemy import ForeignKey, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = os.environ["SECRET_KEY"]
ACCESS_SECONDS, REFRESH_SECONDS = 3600, 7 * 86400
engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=16, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
# Nobody with this hash: an unknown email takes as long as a wrong password.
NOBODY = bcrypt.hashpw(b"nobody", bcrypt.gensalt(12))


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str | None]
    hashed_password: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RefreshToken(Base):
    __tablename__ = "refresh_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    hash: Mapped[bytes] = mapped_column(unique=True)
    expires: Mapped[int]


class Credentials(BaseModel):
    email: str
    password: str
    full_name: str | None = None


class Shown(BaseModel):
    model_config = {"from_attributes": True}
    id: int
    email: str
    full_name: str | None
    is_active: bool
    created_at: datetime


@asynccontextmanager
async def lifespan(_: FastAPI):
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan, default_response_class=ORJSONResponse)


async def database():
    async with sessions() as session:
        yield session


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def set_cookies(response: Response, user_id: int, refresh: str) -> None:
    now = int(time.time())
    access = jwt.encode({"sub": str(user_id), "iat": now, "exp": now + ACCESS_SECONDS}, SECRET, algorithm="HS256")
    for name, value, age in (("access_token", access, ACCESS_SECONDS), ("refresh_token", refresh, REFRESH_SECONDS)):
        response.set_cookie(name, value, max_age=age, httponly=True, samesite="strict")


@app.post("/register", response_model=Shown, status_code=201)
async def register(form: Credentials, db: AsyncSession = Depends(database)):
    hashed = await asyncio.to_thread(bcrypt.hashpw, form.password.encode(), bcrypt.gensalt(12))
    user = User(email=form.email, full_name=form.full_name, hashed_password=hashed.decode(), is_active=True)
    db.add(user)
    try:
        await db.commit()
    except IntegrityError:
        raise HTTPException(409, "This email is taken.") from None
    await db.refresh(user)
    return user


@app.post("/login")
async def login(form: Credentials, response: Response):
    async with sessions() as db:
        user = await db.scalar(select(User).where(User.email == form.email))
    # No connection is held while bcrypt runs.
    stored = user.hashed_password.encode() if user else NOBODY
    matches = await asyncio.to_thread(bcrypt.checkpw, form.password.encode(), stored)
    if not (user and matches and user.is_active):
        raise HTTPException(401, "Incorrect email or password")
    token = secrets.token_urlsafe(32)
    async with sessions() as db:
        db.add(RefreshToken(user_id=user.id, hash=digest(token), expires=int(time.time()) + REFRESH_SECONDS))
        await db.commit()
    set_cookies(response, user.id, token)
    return {"message": "Login successful"}


@app.post("/refresh")
async def refresh(response: Response, refresh_token: str = Cookie(), db: AsyncSession = Depends(database)):
    token = secrets.token_urlsafe(32)
    rotate = (
        update(RefreshToken)
        .where(RefreshToken.hash == digest(refresh_token), RefreshToken.expires > int(time.time()))
        .values(hash=digest(token), expires=int(time.time()) + REFRESH_SECONDS)
        .returning(RefreshToken.user_id)
    )
    user_id = await db.scalar(rotate)
    if user_id is None:
        raise HTTPException(401, "Not authenticated")
    await db.commit()
    set_cookies(response, user_id, token)
    return {"message": "Token refreshed successfully"}


@app.get("/me", response_model=Shown)
async def me(access_token: str = Cookie(), db: AsyncSession = Depends(database)):
    try:
        claims = jwt.decode(access_token, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Not authenticated") from None
    user = await db.get(User, int(claims["sub"]))
    if user is None or not user.is_active:
        raise HTTPException(401, "Not authenticated")
    return user


if __name__ == "__main__":  # makes the tables, once, before the workers start

    async def tables():
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()

    asyncio.run(tables())
